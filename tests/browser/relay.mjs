// Between browsers and the switch: passes datagrams on, and loses some of the media when told to.

import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'

const bound = (socket, ...address) =>
  new Promise((resolve) => {
    socket.bind(...address, () => resolve(socket.address().port))
  })

// Firefox does not go from an interface to the loopback address.
export const outsideAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'

const isMedia = (datagram) => datagram[0] >= 128 && datagram[0] < 192 // RFC 7983 7
const isRtcp = (datagram) => datagram[1] >= 192 && datagram[1] <= 223 // RFC 5761 4

export class Relay {
  #front = createSocket('udp4')
  #backs = new Map() // by the browser's address
  #seed = 1
  share = 0 // of RTP packets that are lost
  type = null // and all of this payload type
  lost = 0

  async open(address) {
    this.address = address
    this.port = await bound(this.#front, 0, address)
    this.#front.on('message', (datagram, from) => this.#pass(datagram, from))
  }

  // The switch's port: known from its answers.
  to(port) {
    this.switchPort = port
  }

  // Park and Miller's generator: the same each time, and out of step with what is sent.
  #draw() {
    this.#seed = (this.#seed * 16807) % 0x7fffffff
    return this.#seed / 0x7fffffff
  }

  #isLost(datagram) {
    if (this.share === 0 || !isMedia(datagram) || isRtcp(datagram)) return false
    const lost = (datagram[1] & 0x7f) === this.type || this.#draw() < this.share
    this.lost += lost
    return lost
  }

  #pass(datagram, from) {
    const key = `${from.address} ${from.port}`
    let back = this.#backs.get(key)
    if (back === undefined) {
      back = createSocket('udp4')
      back.on('message', (answer) => {
        if (!this.#isLost(answer)) this.#front.send(answer, from.port, from.address)
      })
      this.#backs.set(key, back)
    }
    if (!this.#isLost(datagram)) back.send(datagram, this.switchPort, '127.0.0.1')
  }

  // As a NAT that forgot, or a browser that moved: the switch sees other addresses from now on.
  move() {
    for (const back of this.#backs.values()) back.close()
    this.#backs.clear()
  }

  close() {
    this.#front.close()
    for (const back of this.#backs.values()) back.close()
  }
}
