// Plays random scripts between libconclave and ts-mls; see README.md.
//
//     node interop.mjs MLS_PEER
//
// INTEROP_SEED     replays the scripts of a seed; otherwise it is random and printed
// INTEROP_ROUNDS   scripts a suite (2: each implementation founds one)
// INTEROP_ROUND    only this one of them
// INTEROP_STEPS    steps a script
// INTEROP_SUITES   comma-separated, all seven if not given

import { randomBytes } from 'node:crypto'
import { PeerProcess } from './c_client.mjs'
import { Script } from './script.mjs'

const number = (name, otherwise) => Number(process.env[name] || otherwise)
const seed = process.env.INTEROP_SEED || randomBytes(6).toString('hex')
const rounds = number('INTEROP_ROUNDS', 2)
const steps = number('INTEROP_STEPS', 20)
const suites = (process.env.INTEROP_SUITES || '1,2,3,4,5,6,7').split(',').map(Number)

const total = {}

async function play(suite, round) {
  const log = []
  const counts = {
    commits: 0, proposals: 0, external: 0, messages: 0, late: 0, refused: 0, steps: {},
  }
  const peer = new PeerProcess(process.argv[2])
  const founder = round % 2 === 0 ? 'c' : 'ts'
  const scriptSeed = `${seed}/${suite}/${round}`
  const script = new Script({ suite, seed: scriptSeed, peer, founder, log, counts })
  const started = Date.now()
  let failure
  try {
    await script.play(steps)
  } catch (error) {
    failure = error
  }
  const status = await peer.close()
  if (failure === undefined && status !== 0) failure = new Error(`mls-peer exits with ${status}`)
  const title = `suite ${suite} round ${round}`
  for (const [name, n] of Object.entries(counts.steps)) total[name] = (total[name] ?? 0) + n
  if (failure === undefined) {
    const { commits, proposals, external, messages, late, refused } = counts
    console.log(`ok ${title}: ${commits} commits, ${proposals} proposals, ${external} external, ` +
      `${messages} messages (${late} late), ts-mls stayed out ${refused}x, ` +
      `${Date.now() - started} ms`)
    return true
  }
  console.log(log.map((line) => `    ${line}`).join('\n'))
  console.log(`FAILED ${title} at step ${script.at ?? 0}`)
  console.log(failure.stack)
  console.log(`Again: INTEROP_SEED=${seed} INTEROP_SUITES=${suite} INTEROP_ROUND=${round} ` +
    `INTEROP_STEPS=${steps}`)
  return false
}

console.log(`INTEROP_SEED=${seed} INTEROP_ROUNDS=${rounds} INTEROP_STEPS=${steps}`)
let passed = 0
let failed = 0
const only = process.env.INTEROP_ROUND
const first = only ? Number(only) : 0
for (const suite of suites)
  for (let round = first; round < (only ? first + 1 : rounds); round++)
    if (await play(suite, round)) passed++
    else failed++
console.log(Object.entries(total).map(([name, n]) => `${name} ${n}`).join(', '))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
