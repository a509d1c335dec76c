// Clients of libconclave: each is a name in one mls-peer process. See mls_peer.c for the protocol.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export const hex = (bytes) => Buffer.from(bytes).toString('hex')
export const unhex = (text) => new Uint8Array(Buffer.from(text, 'hex'))

export class PeerProcess {
  constructor(program) {
    this.waiting = []
    this.ended = undefined
    this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exit = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(`cannot be started: ${error.message}`))
      this.child.on('exit', (code, signal) => resolve(signal ?? code))
    })
    this.exit.then((how) => {
      this.ended = how
      for (const { reject } of this.waiting) reject(new Error(`mls-peer ended: ${how}`))
    })
    this.child.stdin.on('error', () => {}) // the exit says more
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.waiting.shift()?.resolve(JSON.parse(line))
    })
  }

  ask(command) {
    if (this.ended !== undefined) throw new Error(`mls-peer ended: ${this.ended}`)
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.child.stdin.write(JSON.stringify(command) + '\n')
    })
  }

  // The exit status: a leak that the sanitizers find is one that is not 0.
  async close() {
    this.child.stdin.end()
    return this.exit
  }
}

export class CClient {
  kind = 'c'

  static async create(peer, name, options) {
    const client = new CClient()
    Object.assign(client, { peer, name, options })
    await client.ask('new', {
      suite: options.suite,
      private_handshake: options.privateHandshake,
      tree_in_welcome: options.treeInWelcome,
      grease: options.grease,
      past_epochs: options.pastEpochs,
      padding_block: options.padding,
      extensions: options.extensions,
    })
    return client
  }

  async ask(cmd, args = {}) {
    const answer = await this.peer.ask({ cmd, client: this.name, ...args })
    if (answer.ok !== true) {
      const error = new Error(`mls-peer ${cmd}: ${answer.error}: ${answer.text}`)
      error.code = answer.error
      throw error
    }
    return answer
  }

  async message(cmd, args) {
    return unhex((await this.ask(cmd, args)).message)
  }

  free() {
    return this.ask('free')
  }

  addPsk(id, secret) {
    return this.ask('psk', { id: hex(id), secret: hex(secret) })
  }

  keyPackage() {
    return this.message('key_package')
  }

  // What anybody's key package says: { identity, ref }
  async inspect(keyPackage) {
    const { identity, ref } = await this.ask('inspect', { message: hex(keyPackage) })
    return { identity, ref }
  }

  found(groupId, extensions) {
    return this.ask('found', { group_id: hex(groupId), extensions: extensionsOf(extensions) })
  }

  // apart: the tree was not in the Welcome
  join(welcome, { tree, apart }) {
    return this.ask('join', { welcome: hex(welcome), ...(apart && { tree: hex(tree) }) })
  }

  // resume: our former leaf; psks: ids
  joinExternal(groupInfo, { tree, apart, resume, psks = [] }) {
    return this.message('join_external', {
      group_info: hex(groupInfo),
      ...(apart && { tree: hex(tree) }),
      ...(resume !== undefined && { resume }),
      psks: psks.map(hex),
    })
  }

  // The Welcome to a new group of the owners of the key packages, which we now are in.
  async branch(groupId, keyPackages) {
    const args = { group_id: hex(groupId), key_packages: keyPackages.map(hex) }
    const welcome = unhex((await this.ask('branch', args)).welcome)
    return { welcome, treeInWelcome: this.options.treeInWelcome }
  }

  // The same after a ReInit.
  async reinit(_, keyPackages) {
    const args = { key_packages: keyPackages.map(hex) }
    const welcome = unhex((await this.ask('reinit', args)).welcome)
    return { welcome, treeInWelcome: this.options.treeInWelcome }
  }

  groupInfo(withTree) {
    return this.message('group_info', { with_tree: withTree })
  }

  async tree() {
    return unhex((await this.ask('tree')).tree)
  }

  proposeSelf(groupId, epoch) {
    return this.message('new_member_propose', { group_id: hex(groupId), epoch: Number(epoch) })
  }

  propose(change) {
    return this.message('propose', { change: changeOf(change) })
  }

  // Whether the Welcome to come has the tree in it is fixed when the client is made.
  async commit({ changes = [], forcePath = false, aad = new Uint8Array() }) {
    const message = await this.message('commit', {
      changes: changes.map(changeOf),
      force_path: forcePath,
      aad: hex(aad),
    })
    return { message, treeInWelcome: this.options.treeInWelcome }
  }

  async mergeOwn() {
    const { welcome } = await this.ask('merge_own')
    return welcome === '' ? undefined : unhex(welcome)
  }

  dropOwn() {
    return this.ask('drop_own')
  }

  // Our own commit as the delivery service sends it back.
  async seeOwn(message) {
    const { kind } = await this.ask('receive', { message: hex(message) })
    if (kind !== 'own_commit') throw new Error(`own commit taken for ${kind}`)
  }

  async receive(message) {
    const answer = await this.ask('receive', { message: hex(message) })
    return { ...answer, aad: unhex(answer.aad), data: answer.data && unhex(answer.data) }
  }

  protect(data, aad) {
    return this.message('protect', { data: hex(data), aad: hex(aad) })
  }

  async export(label, context, n) {
    return (await this.ask('export', { label, context: hex(context), n })).secret
  }

  async view() {
    const v = await this.ask('view')
    return {
      groupId: v.group_id,
      epoch: v.epoch,
      treeHash: v.tree_hash,
      transcriptHash: v.transcript_hash,
      authenticator: v.authenticator,
      ownLeaf: v.own_leaf,
      roster: v.roster.map((m) => `${m.leaf} ${m.identity} ${m.signature_key} ${m.encryption_key}`),
      tree: (await this.ask('tree')).tree,
    }
  }

  // Out of memory and back: from a fresh save, or from the last one and what was stored since.
  async reload(whole) {
    if (whole) await this.ask('save')
    await this.ask('restore')
  }
}

function extensionsOf(extensions) {
  return extensions.map(([type, data]) => [type, hex(data)])
}

function changeOf(change) {
  switch (change.type) {
    case 'add':
      return { type: 'add', key_package: hex(change.keyPackage) }
    case 'psk':
      return { type: 'psk', id: hex(change.id) }
    case 'resumption':
      return { type: 'resumption', group_id: hex(change.groupId), epoch: change.epoch }
    case 'reinit':
      return {
        type: 'reinit',
        group_id: hex(change.groupId),
        suite: change.suite,
        extensions: extensionsOf(change.extensions),
      }
    case 'extensions':
      return { type: 'extensions', extensions: extensionsOf(change.extensions) }
    default:
      return change
  }
}
