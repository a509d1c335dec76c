// Clients of ts-mls, with the same methods as those of libconclave (c_client.mjs).
//
// Where ts-mls departs from RFC 9420 it is not corrected: the scripts keep away from the place, and
// say so. What ts-mls leaves to its user is done here.

import { ECDH } from 'node:crypto'

import {
  acceptAll, branchGroup, bytesToBase64, ciphersuites, createApplicationMessage, createCommit,
  createGroup, createProposal, decodeGroupState, decodeMlsMessage, defaultCapabilities,
  encodeGroupState, encodeMlsMessage, generateKeyPackageWithKey, getCiphersuiteFromName,
  getCiphersuiteImpl, joinGroup, joinGroupExternal, makePskIndex, mlsExporter,
  processPrivateMessage, processPublicMessage, proposeAddExternal, reinitCreateNewGroup,
} from 'ts-mls'
import { createGroupInfo } from 'ts-mls/createCommit.js'
import { encode as encodeWith } from 'ts-mls/codec/tlsEncoder.js'
import { decodeVarLenData, varLenDataEncoder } from 'ts-mls/codec/variableLength.js'
import { defaultClientConfig } from 'ts-mls/clientConfig.js'
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js'
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js'
import { signLeafNodeCommit } from 'ts-mls/leafNode.js'
import { updateLeafKey } from 'ts-mls/privateKeyPath.js'
import { directPath, leafWidth } from 'ts-mls/treemath.js'
import { hex } from './c_client.mjs'

const nowSeconds = () => BigInt(Math.floor(Date.now() / 1000))
// The types that ts-mls knows by name.
const DEFAULT_EXTENSIONS = { 3: 'required_capabilities' }

export async function tsSuite(id) {
  const name = Object.keys(ciphersuites).find((key) => ciphersuites[key] === id)
  return getCiphersuiteImpl(getCiphersuiteFromName(name))
}

// RFC 9420 5.1.1: public keys on the NIST curves are points in uncompressed form. ts-mls makes
// compressed ones, and verifies with either.
async function signatureKeys(cs, suite) {
  const curve = { 2: 'prime256v1', 5: 'secp521r1', 7: 'secp384r1' }[suite]
  const { signKey, publicKey } = await cs.signature.keygen()
  if (curve === undefined) return { signKey, publicKey }
  const point = ECDH.convertKey(publicKey, curve, undefined, undefined, 'uncompressed')
  return { signKey, publicKey: new Uint8Array(point) }
}

function decode(message, wireformat) {
  const decoded = decodeMlsMessage(message, 0)
  if (decoded === undefined) throw new Error('ts-mls cannot decode a message')
  if (decoded[1] !== message.length) throw new Error('ts-mls sees bytes after a message')
  if (wireformat !== undefined && decoded[0].wireformat !== wireformat)
    throw new Error(`ts-mls sees ${decoded[0].wireformat}, not ${wireformat}`)
  return decoded[0]
}

const encode = (wireformat, member, value) =>
  encodeMlsMessage({ version: 'mls10', wireformat, [member]: value })

const keyPackageOf = (message) => decode(message, 'mls_key_package').keyPackage

function decodeTree(tree) {
  const decoded = tree && decodeRatchetTree(tree, 0)
  if (tree && decoded === undefined) throw new Error('ts-mls cannot decode a ratchet tree')
  return decoded?.[0]
}

// ts-mls refused what RFC 9420 allows.
export class KnownDeviation extends Error {}

// RFC 9420 12.4.3.1: each leaf that a parent lists as unmerged is one below it, and every non-blank
// node between the two lists it as well.
function unmergedLeavesHold(tree) {
  return tree.every((node, i) => node?.nodeType !== 'parent' ||
    node.parent.unmergedLeaves.every((leaf) => {
      const path = directPath(2 * leaf, leafWidth(tree.length))
      return tree[2 * leaf] !== undefined && path.includes(i) &&
        path.slice(0, path.indexOf(i)).every((between) =>
          tree[between] === undefined || tree[between].parent.unmergedLeaves.includes(leaf))
    }))
}

// ts-mls wants the same list in every non-blank node above an unmerged leaf, also above the one
// that lists it. So it refuses, for instance, every tree in which such a node was renewed later.
async function joining(tree, join) {
  try {
    return await join()
  } catch (error) {
    const about = 'non-blank intermediate node must list leaf node in its unmerged_leaves'
    if (error.message === about && unmergedLeavesHold(decodeTree(tree)))
      throw new KnownDeviation(error.message)
    throw error
  }
}

export class TsClient {
  kind = 'ts'
  state = undefined
  next = undefined // our own commit: { state, welcome }
  psks = {}
  pendingUpdate = undefined // { publicKey, privateKey } of an Update that we proposed

  static async create(cs, name, options) {
    const client = new TsClient()
    Object.assign(client, { cs, name, options })
    client.keys = await signatureKeys(cs, options.suite)
    client.capabilities = defaultCapabilities()
    client.capabilities.extensions.push(...options.extensions)
    client.config = {
      ...defaultClientConfig,
      keyRetentionConfig: {
        ...defaultClientConfig.keyRetentionConfig,
        retainKeysForEpochs: options.pastEpochs,
      },
      paddingConfig: { kind: 'alwaysPad', paddingLength: options.padding },
      lifetimeConfig: { ...defaultClientConfig.lifetimeConfig, validateLifetimeOnReceive: true },
    }
    return client
  }

  async free() {}

  async addPsk(id, secret) {
    this.psks[bytesToBase64(id)] = secret
  }

  get pskIndex() {
    return makePskIndex(this.state, this.psks)
  }

  async newKeyPackage() {
    const lifetime = { notBefore: nowSeconds() - 3600n, notAfter: nowSeconds() + 86400n }
    const credential = { credentialType: 'basic', identity: new TextEncoder().encode(this.name) }
    this.package = await generateKeyPackageWithKey(credential, this.capabilities, lifetime, [],
      this.keys, this.cs)
  }

  async keyPackage() {
    await this.newKeyPackage()
    return encode('mls_key_package', 'keyPackage', this.package.publicPackage)
  }

  async inspect(message) {
    const keyPackage = keyPackageOf(message)
    return {
      identity: hex(keyPackage.leafNode.credential.identity),
      ref: hex(await makeKeyPackageRef(keyPackage, this.cs.hash)),
    }
  }

  async found(groupId, extensions) {
    await this.newKeyPackage()
    this.state = await createGroup(groupId, this.package.publicPackage, this.package.privatePackage,
      extensionsOf(extensions), this.cs, this.config)
  }

  // apart: the tree was not in the Welcome
  async join(welcome, { tree, apart }) {
    this.state = await joining(tree, () => joinGroup(decode(welcome, 'mls_welcome').welcome,
      this.package.publicPackage, this.package.privatePackage, this.pskIndex, this.cs,
      apart ? decodeTree(tree) : undefined, this.state, this.config))
  }

  async branch(groupId, keyPackages) {
    await this.newKeyPackage()
    return this.lead(await branchGroup(this.state, this.package.publicPackage,
      this.package.privatePackage, keyPackages.map(keyPackageOf), groupId, this.cs))
  }

  async reinit({ groupId, extensions }, keyPackages) {
    await this.newKeyPackage()
    return this.lead(await reinitCreateNewGroup(this.state, this.package.publicPackage,
      this.package.privatePackage, keyPackages.map(keyPackageOf), groupId, this.cs.name,
      extensionsOf(extensions)))
  }

  lead({ newState, welcome }) {
    this.state = { ...newState, clientConfig: this.config }
    return { welcome: encode('mls_welcome', 'welcome', welcome), treeInWelcome: false }
  }

  // RFC 9420 12.4.3.2: the data of external_pub is `HPKEPublicKey external_pub`, which is
  // `opaque<V>` (5.1.1): it starts with a length. ts-mls writes and reads the bare key. Here it is
  // let to find the key behind the length; groupInfo() writes the length.
  suiteThatReads(externalPub) {
    const importPublicKey = (key) =>
      this.cs.hpke.importPublicKey(key === externalPub ? decodeVarLenData(key, 0)[0] : key)
    return { ...this.cs, hpke: { ...this.cs.hpke, importPublicKey } }
  }

  // ts-mls finds our former leaf by our signature key, and proves no PSKs here.
  async joinExternal(groupInfo, { tree, apart, resume }) {
    await this.newKeyPackage()
    const info = decode(groupInfo, 'mls_group_info').groupInfo
    const externalPub = info.extensions.find((e) => e.extensionType === 'external_pub')
    const cs = this.suiteThatReads(externalPub?.extensionData)
    const result = await joining(tree, () => joinGroupExternal(info, this.package.publicPackage,
      this.package.privatePackage, resume !== undefined, cs, apart ? decodeTree(tree) : undefined,
      this.config))
    this.next = { state: result.newState }
    return encode('mls_public_message', 'publicMessage', result.publicMessage)
  }

  async groupInfo(withTree) {
    const { groupContext, confirmationTag, keySchedule } = this.state
    const pair = await this.cs.hpke.deriveKeyPair(keySchedule.externalSecret)
    const key = await this.cs.hpke.exportPublicKey(pair.publicKey)
    const extensions = [
      { extensionType: 'external_pub', extensionData: encodeWith(varLenDataEncoder)(key) },
    ]
    if (withTree)
      extensions.push({ extensionType: 'ratchet_tree', extensionData: await this.tree() })
    const info = await createGroupInfo(groupContext, confirmationTag, this.state, extensions,
      this.cs)
    return encode('mls_group_info', 'groupInfo', info)
  }

  async tree() {
    return encodeRatchetTree(this.state.ratchetTree)
  }

  async proposeSelf(groupId, epoch, groupInfo) {
    const { groupInfo: info } = decode(groupInfo, 'mls_group_info')
    return encodeMlsMessage(await proposeAddExternal(info, this.package.publicPackage,
      this.package.privatePackage, this.cs))
  }

  changeOf(change) {
    switch (change.type) {
      case 'add':
        return { proposalType: 'add', add: { keyPackage: keyPackageOf(change.keyPackage) } }
      case 'remove':
        return { proposalType: 'remove', remove: { removed: change.leaf } }
      case 'psk':
        return {
          proposalType: 'psk',
          psk: {
            preSharedKeyId: {
              psktype: 'external',
              pskId: change.id,
              pskNonce: this.cs.rng.randomBytes(this.cs.kdf.size),
            },
          },
        }
      case 'resumption':
        return {
          proposalType: 'psk',
          psk: {
            preSharedKeyId: {
              psktype: 'resumption',
              usage: 'application',
              pskGroupId: change.groupId,
              pskEpoch: BigInt(change.epoch),
              pskNonce: this.cs.rng.randomBytes(this.cs.kdf.size),
            },
          },
        }
      case 'reinit':
        return {
          proposalType: 'reinit',
          reinit: {
            groupId: change.groupId,
            version: 'mls10',
            cipherSuite: this.cs.name,
            extensions: extensionsOf(change.extensions),
          },
        }
      case 'extensions':
        return {
          proposalType: 'group_context_extensions',
          groupContextExtensions: { extensions: extensionsOf(change.extensions) },
        }
      default:
        throw new Error(`no change of type ${change.type}`)
    }
  }

  // ts-mls can send and apply an Update, but leaves it to us to make the leaf and to keep its key.
  async updateProposal() {
    const own = this.state.ratchetTree[2 * this.state.privatePath.leafIndex].leaf
    const pair = await this.cs.hpke.generateKeyPair()
    this.pendingUpdate = {
      publicKey: await this.cs.hpke.exportPublicKey(pair.publicKey),
      privateKey: await this.cs.hpke.exportPrivateKey(pair.privateKey),
    }
    const leafNode = await signLeafNodeCommit(
      {
        leafNodeSource: 'update',
        hpkePublicKey: this.pendingUpdate.publicKey,
        signaturePublicKey: own.signaturePublicKey,
        credential: own.credential,
        capabilities: own.capabilities,
        extensions: own.extensions,
        groupId: this.state.groupContext.groupId,
        leafIndex: this.state.privatePath.leafIndex,
      },
      this.state.signaturePrivateKey, this.cs.signature)
    return { proposalType: 'update', update: { leafNode } }
  }

  async propose(change) {
    const proposal =
      change.type === 'update' ? await this.updateProposal() : this.changeOf(change)
    const result = await createProposal(this.state, !this.options.privateHandshake, proposal,
      this.cs)
    this.state = result.newState
    return encodeMlsMessage(result.message)
  }

  async commit({ changes = [], aad = new Uint8Array() }) {
    const result = await createCommit(
      { state: this.state, cipherSuite: this.cs, pskIndex: this.pskIndex },
      {
        wireAsPublicMessage: !this.options.privateHandshake,
        extraProposals: changes.map((change) => this.changeOf(change)),
        ratchetTreeExtension: this.options.treeInWelcome,
        authenticatedData: aad,
      })
    this.next = { state: result.newState, welcome: result.welcome }
    return {
      message: encodeMlsMessage(result.commit),
      treeInWelcome: this.options.treeInWelcome,
    }
  }

  async mergeOwn() {
    const { state, welcome } = this.next
    this.state = state
    this.dropOwn()
    return welcome && encode('mls_welcome', 'welcome', welcome)
  }

  async dropOwn() {
    this.next = undefined
    this.pendingUpdate = undefined
  }

  async seeOwn() {} // ts-mls leaves that to its user

  async process(message, state, callback) {
    const pskIndex = makePskIndex(state, this.psks)
    if (message.wireformat === 'mls_public_message')
      return processPublicMessage(state, message.publicMessage, pskIndex, this.cs, callback)
    return processPrivateMessage(state, message.privateMessage, pskIndex, this.cs, callback)
  }

  // If our Update is in the commit, its path is encrypted to our new key: look first, then apply.
  async withOwnUpdate(message) {
    let included = false
    await this.process(message, this.state, (incoming) => {
      const { publicKey } = this.pendingUpdate
      included = incoming.kind === 'commit' && incoming.proposals.some(({ proposal }) =>
        proposal.proposalType === 'update' &&
        hex(proposal.update.leafNode.hpkePublicKey) === hex(publicKey))
      return 'reject'
    })
    if (!included) return this.state
    const { privateKey } = this.pendingUpdate
    return { ...this.state, privatePath: updateLeafKey(this.state.privatePath, privateKey) }
  }

  // When a commit removes us and adds somebody who gets our leaf, ts-mls does not notice the former
  // and fails: it looks for a blank leaf.
  isReplacedBy(proposals) {
    const types = proposals.map(({ proposal }) => proposal.proposalType)
    return types.includes('add') && proposals.some(({ proposal }) =>
      proposal.proposalType === 'remove' &&
      proposal.remove.removed === this.state.privatePath.leafIndex)
  }

  async receive(bytes) {
    const message = decode(bytes)
    const inner = message.publicMessage ?? message.privateMessage
    const contentType = inner.content?.contentType ?? inner.contentType
    const before = this.state.groupContext.epoch
    const state = contentType === 'commit' && this.pendingUpdate !== undefined
      ? await this.withOwnUpdate(message) : this.state
    let seen
    let replaced = false
    const result = await this.process(message, state, (incoming) => {
      seen = incoming
      replaced = incoming.kind === 'commit' && this.isReplacedBy(incoming.proposals)
      return replaced ? 'reject' : acceptAll(incoming)
    })
    if (replaced) return { kind: 'commit', removed: true }
    this.state = result.newState
    if (contentType === 'application') return { kind: 'application', data: result.message }
    if (seen.kind === 'proposal') return { kind: 'proposal' }
    this.dropOwn()
    const removed = this.state.groupActiveState.kind === 'removedFromGroup'
    if (!removed && this.state.groupContext.epoch !== before + 1n)
      throw new Error('ts-mls did not move on')
    return { kind: 'commit', removed, proposalCount: seen.proposals.length }
  }

  async protect(data, aad) {
    const result = await createApplicationMessage(this.state, data, this.cs, aad)
    this.state = result.newState
    return encode('mls_private_message', 'privateMessage', result.privateMessage)
  }

  async export(label, context, n) {
    return hex(await mlsExporter(this.state.keySchedule.exporterSecret, label, context, n, this.cs))
  }

  async view() {
    const { groupContext: context, keySchedule, ratchetTree, privatePath } = this.state
    const roster = ratchetTree.flatMap((node, i) => node?.nodeType !== 'leaf' ? [] : [
      `${i / 2} ${hex(node.leaf.credential.identity)} ${hex(node.leaf.signaturePublicKey)} ` +
        hex(node.leaf.hpkePublicKey),
    ])
    return {
      groupId: hex(context.groupId),
      epoch: Number(context.epoch),
      treeHash: hex(context.treeHash),
      transcriptHash: hex(context.confirmedTranscriptHash),
      authenticator: hex(keySchedule.epochAuthenticator),
      ownLeaf: privatePath.leafIndex,
      roster,
      tree: hex(await this.tree()),
    }
  }

  // Leaf 0 as the sender of a waiting proposal gets lost in ts-mls's saved state (its encoder of
  // optional values takes 0 for nothing), so the proposals stay in memory.
  async reload() {
    const { unappliedProposals } = this.state
    const decoded = decodeGroupState(encodeGroupState(this.state), 0)
    this.state = { ...decoded[0], clientConfig: this.config, unappliedProposals }
  }
}

function extensionsOf(extensions) {
  return extensions.map(([type, data]) => ({
    extensionType: DEFAULT_EXTENSIONS[type] ?? type,
    extensionData: data,
  }))
}
