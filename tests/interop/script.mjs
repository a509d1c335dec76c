// One random script: a group of both kinds of clients lives through steps that a seed decides, and
// after every step all members must see the same group, derive the same secrets and hold the same
// tree. The delivery service is this file: one commit an epoch, everything to everybody.

import { CClient, hex } from './c_client.mjs'
import { Random } from './random.mjs'
import { KnownDeviation, TsClient, tsSuite } from './ts_client.mjs'

const MOST_MEMBERS = 8
const APP_EXTENSION = 0xf0c0 // private use
const REQUIRED_CAPABILITIES = 3
// RequiredCapabilities (RFC 9420 11.1): the extension above, no proposals, basic credentials.
const REQUIRED = Uint8Array.of(2, 0xf0, 0xc0, 0, 2, 0, 1)

const STEPS = {
  talk: 5, add: 5, remove: 3, path: 4, proposals: 6, psk: 2, resumption: 2, externalJoin: 3,
  resync: 2, extensions: 2, race: 2, reload: 2,
}

class Disagreement extends Error {}

function same(what, a, b) {
  if (JSON.stringify(a) !== JSON.stringify(b))
    throw new Disagreement(`${what}: ${JSON.stringify(a)} != ${JSON.stringify(b)}`)
}

export class Script {
  constructor({ suite, seed, peer, founder, log, counts }) {
    Object.assign(this, { suite, peer, founder, log, counts })
    this.random = new Random(`${seed}`)
    this.members = []
    this.absent = [] // members of the group that never came in
    this.made = 0
    this.psks = []
    this.open = 0 // proposals of this epoch
    this.late = [] // application messages held back until an epoch later
    this.extensions = []
  }

  note(text) {
    this.log.push(text)
  }

  names(clients) {
    return clients.map((c) => c.name).join(' ')
  }

  // ---- Clients ----

  async client(kind = this.random.chance(50) ? 'c' : 'ts') {
    const r = this.random
    const name = `${kind}${++this.made}`
    const options = {
      suite: this.suite,
      privateHandshake: r.chance(50),
      treeInWelcome: r.chance(60),
      grease: r.chance(50),
      pastEpochs: 6,
      padding: r.pick([0, 32, 100]),
      extensions: [APP_EXTENSION],
    }
    const client = kind === 'c'
      ? await CClient.create(this.peer, name, options)
      : await TsClient.create(await tsSuite(this.suite), name, options)
    for (const { id, secret } of this.psks) await client.addPsk(id, secret)
    return client
  }

  async newcomers(n, kind) {
    const clients = []
    for (let i = 0; i < n; i++) {
      const client = await this.client(kind)
      client.published = await client.keyPackage()
      for (const member of this.members)
        same(`${member.name} reads the key package of ${client.name}`,
          await member.inspect(client.published), await client.inspect(client.published))
      clients.push(client)
    }
    return clients
  }

  // An external PSK, told to all members and to those who are about to join.
  async newPsk(joining = []) {
    const number = this.psks.length // makes the id unique
    const id = Uint8Array.of(number >> 8, number & 255, ...this.random.bytes(this.random.below(20)))
    const psk = { id, secret: this.random.bytes(this.random.between(16, 80)) }
    this.psks.push(psk)
    for (const client of [...this.members, ...joining]) await client.addPsk(psk.id, psk.secret)
    return psk
  }

  room() {
    return MOST_MEMBERS - this.members.length
  }

  // RFC 9420 12.4.1: commit_secret is derived from the last path secret of the UpdatePath, which
  // has no node for the root if the other half of the tree is empty (4.1.2). ts-mls always derives
  // one for the root too. So no script empties the left half (an empty right one is cut off).
  leavesLeftHalf(removed) {
    const leaves = [...this.members, ...this.absent]
      .filter((client) => !removed.includes(client)).map((client) => client.leaf)
    const highest = Math.max(...leaves)
    let width = 1
    while (width <= highest) width *= 2
    return width === 1 || Math.min(...leaves) < width / 2
  }

  // ---- Delivery ----

  // What a commit brings about once the delivery service has taken it.
  async deliverCommit(by, { message, treeInWelcome }, { joining = [], removed = [] }) {
    const r = this.random
    if (by.kind === 'c' && r.chance(20)) await by.reload(r.chance(50))
    for (const client of r.shuffled(this.members)) {
      if (client === by) continue
      const seen = await client.receive(message)
      same(`${client.name} takes the commit for`, seen.kind, 'commit')
      same(`${client.name} is removed`, seen.removed, removed.includes(client))
    }
    if (r.chance(30)) await by.seeOwn(message)
    const welcome = await by.mergeOwn()
    same('there is a Welcome', welcome !== undefined, joining.length > 0)
    this.members = this.members.filter((client) => !removed.includes(client))
    this.late = this.late.filter(({ to }) => !removed.includes(to))
    for (const client of removed) await client.free()
    const tree = await r.pick(this.members).tree()
    for (const client of joining) {
      if (await this.enters(client, () => client.join(welcome, { tree, apart: !treeInWelcome })))
        this.members.push(client)
      else this.absent.push(client)
    }
    this.open = 0
    this.counts.commits++
  }

  async enters(client, join) {
    try {
      await join()
      return true
    } catch (error) {
      if (!(error instanceof KnownDeviation)) throw error
      this.note(`  ${client.name} stays out: ${error.message}`)
      this.counts.refused++
      return false
    }
  }

  // Those who were added but did not come in (see KnownDeviation) are removed again.
  async removeAbsent() {
    const absent = this.absent
    if (absent.length === 0) return
    const joining = this.leavesLeftHalf(absent) ? [] : await this.newcomers(1, 'c')
    const changes = [
      ...absent.map((client) => ({ type: 'remove', leaf: client.leaf })),
      ...joining.map((client) => ({ type: 'add', keyPackage: client.published })),
    ]
    this.absent = []
    await this.commit(this.members[0], changes, { joining })
    await this.check()
  }

  async commit(by, changes, { joining, removed, forcePath } = {}) {
    const what = changes.map((change) => change.type).join(' ')
    this.note(`  ${by.name} commits [${what}]${forcePath ? ' with a path' : ''}`)
    const aad = this.random.bytes(this.random.below(9))
    const commit = await by.commit({ changes, forcePath, aad })
    await this.deliverCommit(by, commit, { joining, removed })
  }

  // ---- Steps ----

  async found() {
    const client = await this.client(this.founder)
    this.extensions = this.random.chance(50)
      ? [[REQUIRED_CAPABILITIES, REQUIRED], [APP_EXTENSION, this.random.bytes(5)]] : []
    await client.found(this.random.bytes(this.random.between(1, 40)), this.extensions)
    this.members = [client]
    this.note(`${client.name} founds a group with ${this.extensions.length} extensions`)
    await this.check()
  }

  async add() {
    const r = this.random
    if (this.room() === 0) return false
    const by = r.pick(this.members)
    const joining = await this.newcomers(Math.min(this.room(), r.pick([1, 1, 1, 2, 3])))
    const changes = joining.map((client) => ({ type: 'add', keyPackage: client.published }))
    if (r.chance(20)) {
      changes.push({ type: 'psk', id: (await this.newPsk(joining)).id })
    }
    const removed = []
    if (r.chance(20) && this.members.length > 3) {
      removed.push(r.pick(this.members.filter((client) => client !== by)))
      changes.push({ type: 'remove', leaf: removed[0].leaf })
    }
    this.note(`  joining: ${this.names(joining)}; removed: ${this.names(removed)}`)
    await this.commit(by, changes, { joining, removed, forcePath: r.chance(30) })
    return true
  }

  async remove() {
    const r = this.random
    if (this.members.length < 4) return false
    const [by, ...removed] = r.some(this.members, r.between(2, 3))
    if (!this.leavesLeftHalf(removed)) return false
    const changes = removed.map((client) => ({ type: 'remove', leaf: client.leaf }))
    this.note(`  removed: ${this.names(removed)}`)
    await this.commit(by, changes, { removed })
    return true
  }

  async path() {
    await this.commit(this.random.pick(this.members), [], { forcePath: true })
    return true
  }

  async psk() {
    const { id } = await this.newPsk()
    const changes = [{ type: 'psk', id }]
    if (this.random.chance(30)) changes.push({ type: 'psk', id: (await this.newPsk()).id })
    const forcePath = this.random.chance(50)
    await this.commit(this.random.pick(this.members), changes, { forcePath })
    return true
  }

  // The resumption PSK of this epoch or of one of the three before, if all were there already.
  async resumption() {
    const r = this.random
    const { groupId, epoch } = await this.members[0].view()
    const first = Math.max(...this.members.map((client) => client.since), epoch - 3)
    const change = {
      type: 'resumption',
      groupId: new Uint8Array(Buffer.from(groupId, 'hex')),
      epoch: r.between(first, epoch),
    }
    this.note(`  of ${epoch - change.epoch} epochs ago`)
    await this.commit(r.pick(this.members), [change], { forcePath: r.chance(50) })
    return true
  }

  // RFC 9420 12.4: a commit with GroupContextExtensions needs a path. ts-mls sends none and, where
  // another proposal brings one, encrypts it under the old extensions: so it may propose this, but
  // not commit it.
  async extensionsStep() {
    const r = this.random
    const committers = this.members.filter((client) => client.kind === 'c')
    if (committers.length === 0) return false
    this.extensions = [[APP_EXTENSION, r.bytes(r.between(0, 70))]]
    if (r.chance(50)) this.extensions.push([REQUIRED_CAPABILITIES, REQUIRED])
    const change = { type: 'extensions', extensions: this.extensions }
    const by = r.pick(committers)
    if (r.chance(50)) {
      await this.commit(by, [change])
    } else {
      await this.propose(r.pick(this.members), change)
      await this.commit(by, [])
    }
    return true
  }

  async propose(by, change) {
    this.note(`  ${by.name} proposes ${change.type} ${change.leaf ?? ''}`)
    await this.deliverProposal(await by.propose(change), by)
  }

  async deliverProposal(message, by) {
    this.open++
    this.counts.proposals++
    for (const client of this.members) {
      if (client === by) continue
      const { kind } = await client.receive(message)
      same(`${client.name} takes the proposal for`, kind, 'proposal')
    }
  }

  // Several members propose; one who neither updates nor is removed commits it all.
  async proposals() {
    const r = this.random
    const [by, ...others] = r.shuffled(this.members)
    const joining = []
    const removed = []
    const proposers = [by, ...others]
    for (let n = r.between(1, 4); n > 0; n--) {
      const kind = r.weighted({ update: 4, add: 3, remove: 2, psk: 2, self: 2 })
      if (kind === 'update' && others.length > 0) {
        await this.propose(others.pop(), { type: 'update' })
      } else if (kind === 'remove' && others.length > 1 &&
          this.members.length - removed.length > 3 &&
          this.leavesLeftHalf([...removed, others.at(-1)])) {
        const leaver = others.pop()
        removed.push(leaver)
        const proposer = r.pick(proposers.filter((client) => client !== leaver))
        await this.propose(proposer, { type: 'remove', leaf: leaver.leaf })
      } else if (kind === 'psk') {
        const { id } = await this.newPsk(joining)
        await this.propose(r.pick(proposers), { type: 'psk', id })
      } else if ((kind === 'add' || kind === 'self') && this.room() > joining.length) {
        const [client] = await this.newcomers(1)
        joining.push(client)
        if (kind === 'add')
          await this.propose(r.pick(proposers), { type: 'add', keyPackage: client.published })
        else await this.proposeSelf(client)
      }
    }
    const changes = r.chance(20) ? [{ type: 'psk', id: (await this.newPsk(joining)).id }] : []
    this.note(`  joining: ${this.names(joining)}; removed: ${this.names(removed)}`)
    if (r.chance(20)) await this.reload()
    if (this.open > 0 && r.chance(30)) await this.mustNotWrite(r.pick(this.members))
    await this.commit(by, changes, { joining, removed, forcePath: r.chance(30) })
    return true
  }

  // RFC 9420 12.4: no application data while proposals wait for a commit.
  async mustNotWrite(client) {
    const refused = await client.protect(this.random.bytes(3), new Uint8Array()).then(
      () => undefined, (error) => error.message)
    if (!/EPROPOSALS|with unapplied proposals/.test(refused))
      throw new Disagreement(`${client.name} writes while proposals wait: ${refused}`)
  }

  // RFC 9420 12.1.8: "please add me", from outside.
  async proposeSelf(client) {
    const from = this.random.pick(this.members)
    const { groupId, epoch } = await from.view()
    this.note(`  ${client.name} proposes itself`)
    const id = new Uint8Array(Buffer.from(groupId, 'hex'))
    const message = await client.proposeSelf(id, epoch, await from.groupInfo(false))
    await this.deliverProposal(message, undefined)
  }

  async enterExternally(client, { resume, psks }) {
    const r = this.random
    const from = r.pick(this.members)
    const apart = r.chance(50)
    const info = await from.groupInfo(!apart)
    const tree = await from.tree()
    let message
    const enter = async () => {
      message = await client.joinExternal(info, { tree, apart, resume, psks })
    }
    if (!(await this.enters(client, enter))) return false
    for (const member of r.shuffled(this.members)) {
      if (member === client) continue
      const seen = await member.receive(message)
      same(`${member.name} takes the external commit for`, seen.kind, 'commit')
    }
    if (client.kind === 'c' && r.chance(30)) await client.reload(r.chance(50))
    await client.mergeOwn()
    this.open = 0
    this.counts.external++
    return true
  }

  async externalJoin() {
    const r = this.random
    if (this.room() === 0) return false
    const client = await this.client()
    const psks = client.kind === 'c' && r.chance(30) ? [await this.newPsk([client])] : []
    this.note(`  ${client.name} joins by an external commit with ${psks.length} PSKs`)
    // A proposal that is still open then comes to nothing.
    const [by, proposer] = r.some(this.members, 2)
    const open = proposer !== undefined && r.chance(30)
    if (open) await this.propose(proposer, { type: 'update' })
    const entered = await this.enterExternally(client, { psks: psks.map(({ id }) => id) })
    if (entered) this.members.push(client)
    else if (open) await this.commit(by, [])
    return entered || open
  }

  // A member that lost its state takes its own leaf's place.
  async resync() {
    const client = this.random.pick(this.members)
    if (this.members.length < 2) return false
    const others = this.members.filter((member) => member !== client)
    this.note(`  ${client.name} comes back by an external commit`)
    const members = this.members
    this.members = others
    const entered = await this.enterExternally(client, { resume: client.leaf })
    this.members = members
    if (!entered) return false
    client.since = undefined // with the earlier epochs forgotten
    this.late = this.late.filter(({ to }) => to !== client)
    return true
  }

  // Two commit at once; the delivery service takes one.
  async race() {
    const r = this.random
    if (this.members.length < 2) return false
    const [winner, loser] = r.some(this.members, 2)
    this.note(`  ${loser.name} commits too, and loses`)
    await loser.commit({ changes: [], forcePath: true })
    if (r.chance(50)) await loser.dropOwn()
    await this.commit(winner, [], { forcePath: true })
    return true
  }

  async reload() {
    const r = this.random
    for (const client of r.some(this.members, r.between(1, 3))) {
      this.note(`  ${client.name} is saved and restored`)
      await client.reload(r.chance(50))
    }
    return true
  }

  // Messages cross each other, are late, or come after the next commit.
  async talk() {
    const r = this.random
    const messages = []
    for (let n = r.between(1, 7); n > 0; n--) {
      const by = r.pick(this.members)
      const data = r.bytes(r.pick([0, 1, 31, 32, 100, 255, 256, 1000]))
      const aad = r.bytes(r.below(20))
      const leaf = by.leaf
      messages.push({ by, leaf, data, aad, message: await by.protect(data, aad) })
      this.counts.messages++
    }
    this.note(`  ${this.names(messages.map(({ by }) => by))} write`)
    for (const to of this.members) {
      const incoming = messages.filter(({ by }) => by !== to)
      for (const m of r.chance(60) ? r.shuffled(incoming) : incoming) {
        if (r.chance(10)) this.late.push({ to, age: 0, ...m })
        else await this.read(to, m)
      }
    }
    return true
  }

  async read(to, { by, leaf, data, aad, message }) {
    const seen = await to.receive(message)
    same(`${to.name} takes a message of ${by.name} for`, seen.kind, 'application')
    same(`${to.name} reads of ${by.name}`, hex(seen.data), hex(data))
    if (to.kind === 'c') {
      same(`${to.name} sees as sender`, seen.sender, leaf)
      same(`${to.name} sees as authenticated data`, hex(seen.aad), hex(aad))
    }
  }

  // ---- The end: a group that continues this one (RFC 9420 11.2, 11.3) ----

  async branch() {
    const r = this.random
    const [by, ...others] = r.some(this.members, r.between(2, this.members.length))
    const keyPackages = await Promise.all(others.map((client) => client.keyPackage()))
    this.note(`  ${by.name} branches with ${this.names(others)}`)
    await this.succeed(by, others, await by.branch(r.bytes(16), keyPackages))
  }

  async reinit() {
    const r = this.random
    const change = {
      type: 'reinit', suite: this.suite, groupId: r.bytes(16), extensions: this.extensions,
    }
    if (r.chance(50)) {
      await this.commit(r.pick(this.members), [change])
    } else {
      await this.propose(r.pick(this.members), change)
      await this.commit(r.pick(this.members), [])
    }
    await this.check()
    const [by, ...others] = r.shuffled(this.members)
    const keyPackages = await Promise.all(others.map((client) => client.keyPackage()))
    this.note(`  ${by.name} makes the successor`)
    await this.succeed(by, others, await by.reinit(change, keyPackages))
  }

  async succeed(by, others, { welcome, treeInWelcome }) {
    const left = this.members.filter((client) => client !== by && !others.includes(client))
    for (const client of left) await client.free()
    const tree = await by.tree()
    for (const client of others) await client.join(welcome, { tree, apart: !treeInWelcome })
    this.late = []
    this.members = [by, ...others]
    for (const client of this.members) client.since = undefined
    await this.check()
    await this.talk()
    await this.path()
    await this.check()
  }

  // Late messages are of this epoch or of one of the two before it.
  async readLate() {
    const r = this.random
    const kept = []
    for (const m of r.shuffled(this.late)) {
      if (m.age < 2 && r.chance(40)) {
        kept.push(m)
        continue
      }
      this.note(`  ${m.to.name} reads ${m.by.name} ${m.age} steps late`)
      await this.read(m.to, m)
      this.counts.late++
    }
    this.late = kept
  }

  // ---- What must hold ----

  async check() {
    const r = this.random
    const label = `label ${r.below(1000)}`
    const context = r.bytes(r.below(40))
    const n = r.between(1, 64)
    let first
    for (const client of this.members) {
      const { ownLeaf, ...view } = await client.view()
      view.exported = await client.export(label, context, n)
      client.leaf = ownLeaf
      client.since ??= view.epoch
      const at = view.roster.find((line) => line.startsWith(`${ownLeaf} `))
      same(`${client.name} finds itself`, at?.split(' ')[1], hex(Buffer.from(client.name)))
      first ??= { client, view }
      for (const key of Object.keys(view))
        same(`${key} of ${first.client.name} and ${client.name}`, first.view[key], view[key])
    }
    for (const client of this.absent) {
      const line = first.view.roster.find((l) => l.split(' ')[1] === hex(Buffer.from(client.name)))
      client.leaf = Number(line.split(' ')[0])
    }
    same('number of members', first.view.roster.length, this.members.length + this.absent.length)
  }

  async step() {
    const name = this.members.length < 3 ? 'add' : this.random.weighted(STEPS)
    this.note(name)
    const run = name === 'extensions' ? this.extensionsStep : this[name]
    if (!(await run.call(this))) {
      this.note('  not now')
      return
    }
    this.counts.steps[name] = (this.counts.steps[name] ?? 0) + 1
    await this.check()
    await this.removeAbsent()
    for (const m of this.late) m.age++
    await this.readLate()
  }

  async play(steps) {
    await this.found()
    for (let i = 1; i <= steps; i++) {
      this.at = i
      this.note(`-- step ${i}: ${this.names(this.members)}`)
      await this.step()
    }
    const end = this.random.pick(['branch', 'reinit'])
    this.note(`-- the end: ${end}: ${this.names(this.members)}`)
    if (this.members.length > 1) await this[end]()
    this.counts.steps[end] = 1
    for (const client of this.members) await client.free()
  }
}
