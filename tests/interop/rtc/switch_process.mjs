// The media switch as a process (tests/interop/rtc_switch.c), and members who talk with it. Bodies
// are written and read by web/core/src/media-message.ts, which a browser uses.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export const within = (seconds, promise, what) => {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took more than ${seconds} s`)),
      seconds * 1000,
    )
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// What was said and is waited for, in whichever order the two happen.
class Mailbox {
  #messages = []
  #waiting = []

  put(message) {
    this.#messages.push(message)
    this.#waiting = this.#waiting.filter((look) => !look())
  }

  // The first message that fits, also one of before; it is taken out.
  take(fits, what, seconds = 30) {
    const found = new Promise((resolve) => {
      const look = () => {
        const i = this.#messages.findIndex(fits)
        if (i >= 0) resolve(this.#messages.splice(i, 1)[0])
        return i >= 0
      }
      if (!look()) this.#waiting.push(look)
    })
    return within(seconds, found, what)
  }
}

export class SwitchProcess {
  #mailboxes = new Map()
  #listeners = new Map()
  #counts = new Mailbox()

  constructor(program, codec) {
    this.codec = codec
    this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exit = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(`cannot be started: ${error.message}`))
      this.child.on('exit', (code, signal) => resolve(signal ?? code))
    })
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#hear(line))
  }

  #hear(line) {
    const [who, ...rest] = line.split(' ')
    if (who === 'count') {
      this.#counts.put(
        Object.fromEntries(
          rest.map((pair) => {
            const [name, number] = pair.split('=')
            return [name, Number(number)]
          }),
        ),
      )
      return
    }
    const listener = this.#listeners.get(Number(who))
    if (listener !== undefined) listener(rest[0])
    else
      this.#mailbox(Number(who)).put(
        this.codec.decodeMedia(Uint8Array.from(Buffer.from(rest[0], 'hex'))),
      )
  }

  #mailbox(conn) {
    if (!this.#mailboxes.has(conn)) this.#mailboxes.set(conn, new Mailbox())
    return this.#mailboxes.get(conn)
  }

  #tell(line) {
    this.child.stdin.write(`${line}\n`)
  }

  epoch(epoch, leaves) {
    this.#tell(`epoch ${epoch} ${leaves}`)
  }

  // Everything said to conn goes to the listener, in hex, instead of being kept for hear().
  listen(conn, listener) {
    this.#listeners.set(conn, listener)
  }

  sayHex(conn, leaf, hex) {
    this.#tell(`say ${conn} ${leaf} ${hex}`)
  }

  say(conn, leaf, message) {
    this.sayHex(conn, leaf, Buffer.from(this.codec.encodeMedia(message)).toString('hex'))
  }

  // Waits for something said to conn.
  hear(conn, fits, what) {
    return this.#mailbox(conn).take(fits, what)
  }

  gone(conn) {
    this.#tell(`gone ${conn}`)
  }

  // Its numbers are made known four times a second.
  async count() {
    this.#tell('count')
    return this.#counts.take(() => true, 'counting')
  }

  async countUntil(fits, what) {
    let numbers = await this.count()
    for (let tries = 0; tries < 200 && !fits(numbers); tries++) {
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      numbers = await this.count()
    }
    if (!fits(numbers)) throw new Error(`${what}: ${JSON.stringify(numbers)}`)
    return numbers
  }

  async end() {
    this.child.stdin.end()
    return within(10, this.exit, 'the end of rtc-switch')
  }
}
