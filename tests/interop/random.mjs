// Random choices that a printed seed brings back. They decide what a script does; the keys that
// both libraries draw for themselves differ from run to run.

import { createHash } from 'node:crypto'

export class Random {
  constructor(seed) {
    this.state = createHash('sha256').update(String(seed)).digest()
    this.at = 0
  }

  byte() {
    if (this.at === this.state.length) {
      this.state = createHash('sha256').update(this.state).digest()
      this.at = 0
    }
    return this.state[this.at++]
  }

  // 0 <= result < n
  below(n) {
    let value = 0
    for (let i = 0; i < 6; i++) value = value * 256 + this.byte()
    return value % n
  }

  between(low, high) {
    return low + this.below(high - low + 1)
  }

  chance(percent) {
    return this.below(100) < percent
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  // n different elements, or all if there are fewer
  some(list, n) {
    return this.shuffled(list).slice(0, n)
  }

  shuffled(list) {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      ;[out[i], out[j]] = [out[j], out[i]]
    }
    return out
  }

  bytes(n) {
    return Uint8Array.from({ length: n }, () => this.byte())
  }

  // table: { name: weight }
  weighted(table) {
    let n = this.below(Object.values(table).reduce((a, b) => a + b, 0))
    for (const [name, weight] of Object.entries(table)) {
      if (n < weight) return name
      n -= weight
    }
    throw new Error('empty table')
  }
}
