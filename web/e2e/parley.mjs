// The real program on a folder of its own, as `make run` starts it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const binary = resolve(import.meta.dirname, '../../bin/parley')
const run = promisify(execFile)
/** How long anything of the program may take, in ms. */
const patience = 60_000

/** One running Parley. */
export class Parley {
  /** Where it is served. */
  url
  /** Opens the first account, once. */
  setUpLink
  #folder
  #program
  #settings
  #log = ''
  #said = ''

  /**
   * Starts it and waits for its word that it is ready. Rejects with what it said when it ends before.
   * Settings are variables of the program's own.
   */
  static async start({ addr = '127.0.0.1:0', settings = {} } = {}) {
    const parley = new Parley()
    parley.#settings = { ...bare(), ...settings }
    parley.#folder = await mkdtemp(join(tmpdir(), 'parley-e2e-'))
    // PostgreSQL may run as another user, who has to get through to its own folder.
    await chmod(parley.#folder, 0o755)
    parley.#spawn(addr)
    await parley.#ready()
    return parley
  }

  #spawn(addr) {
    this.#program = spawn(binary, ['serve', '--data', this.data, '--addr', addr], { env: this.#settings })
    this.#program.stderr.setEncoding('utf8').on('data', (text) => (this.#log += text))
    const orphaned = () => this.#program.kill()
    process.once('exit', orphaned)
    this.#program.once('exit', () => process.off('exit', orphaned))
  }

  // The address and, on a new folder, the set-up link come as two lines.
  async #ready() {
    const late = setTimeout(() => this.#program.kill(), patience)
    for await (const line of createInterface({ input: this.#program.stdout })) {
      this.#said += `${line}\n`
      this.url ??= /^Parley is ready: (\S+)/.exec(line)?.[1]
      this.setUpLink ??= /(http\S+setup\?code=\S+)/.exec(line)?.[1]
      if (this.setUpLink) break
    }
    clearTimeout(late)
    assert.ok(this.url && this.setUpLink, `the program ended before it was ready:\n${this.#log}`)
    this.#program.stdout.on('data', (text) => (this.#said += text))
  }

  /** All that it has said so far. */
  get said() {
    return this.#said + this.#log
  }

  /** Its process and those of its servers. */
  async processes() {
    const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).sort((a, b) => a - b)
    const mine = [String(this.#program.pid)]
    for (const pid of all) if (mine.includes(await parentOf(pid))) mine.push(pid)
    return mine
  }

  get data() {
    return join(this.#folder, 'data')
  }

  /** What a command of the program prints, of one word or of two; rejects when it fails. */
  async command(name, ...args) {
    const options = { env: this.#settings, timeout: patience }
    return (await run(binary, [...name.split(' '), '--data', this.data, ...args], options)).stdout
  }

  /** The events of a session, as `replay --json` tells them. */
  async replay(session) {
    const lines = (await this.command('replay', '--json', session)).trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }

  /** The files of the store whose path names a session. */
  async stored(session) {
    const files = await readdir(join(this.data, 's3'), { recursive: true })
    return files.filter((file) => file.includes(session))
  }

  /** Kills it and its store, as a power cut would, and starts it again at the same address. */
  async restart() {
    await this.kill()
    await this.rise()
  }

  async kill() {
    const gone = once(this.#program, 'exit')
    this.#program.kill('SIGKILL')
    await gone
  }

  /** Starts it again after it was killed. */
  async rise() {
    this.#spawn(new URL(this.url).host)
    await eventually('the program is ready again', async () => {
      const answer = await fetch(new URL('/readyz', this.url)).catch(() => undefined)
      return answer?.ok
    })
  }

  /** Stops it as an operator would; a stop that is not clean is an error. */
  async stop() {
    if (this.#program.exitCode === null && this.#program.signalCode === null) {
      this.#program.kill('SIGTERM')
      const late = setTimeout(() => this.#program.kill('SIGKILL'), patience)
      await once(this.#program, 'exit')
      clearTimeout(late)
    }
    await rm(this.#folder, { recursive: true })
    assert.equal(this.#program.exitCode, 0, `the program did not end cleanly:\n${this.#log}`)
  }
}

// A process may end while one looks.
async function parentOf(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')')).split(' ')[2]
}

// What the surroundings configure is not what is tested here.
function bare() {
  const ours = ([name]) => !name.startsWith('PARLEY_') && name !== 'OPENAI_API_KEY'
  return Object.fromEntries(Object.entries(process.env).filter(ours))
}

/** Looks again and again until it is so; each look paces the next one. */
export async function eventually(what, isSo) {
  for (const end = Date.now() + patience; Date.now() < end;) if (await isSo()) return
  assert.fail(`not in time: ${what}`)
}

/** A port that nobody listens at now: the address must be known before the program starts. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** The practice partner by itself, as a provider elsewhere that asks for a key. */
export class Partner {
  /** Where its interface is. */
  url
  #key
  #folder
  #program
  #said = ''

  static async start({ key, origin }) {
    const partner = new Partner()
    partner.#key = key
    partner.#folder = await mkdtemp(join(tmpdir(), 'parley-partner-'))
    const file = join(partner.#folder, 'key')
    await writeFile(file, key, { mode: 0o600 })
    const flags = ['--addr', '127.0.0.1:0', '--udp', '127.0.0.1:0', '--key-file', file, '--origin', origin, '--rehearse']
    partner.#program = spawn(binary, ['partner', ...flags], { env: bare() })
    const hear = (text) => (partner.#said += text)
    partner.#program.stderr.setEncoding('utf8').on('data', hear)
    const late = setTimeout(() => partner.#program.kill(), patience)
    for await (const line of createInterface({ input: partner.#program.stdout })) {
      hear(`${line}\n`)
      partner.url = /^The partner is ready: (\S+)/.exec(line)?.[1]
      if (partner.url) break
    }
    clearTimeout(late)
    assert.ok(partner.url, `the partner ended before it was ready:\n${partner.#said}`)
    partner.#program.stdout.on('data', hear)
    return partner
  }

  /** All that it has said so far. */
  get said() {
    return this.#said
  }

  /** A token of the partner's own for a session, without Parley. */
  async mint(session = {}) {
    const [headers, body] = [{ Authorization: `Bearer ${this.#key}` }, JSON.stringify({ session })]
    const answer = await fetch(`${this.url}/realtime/client_secrets`, { method: 'POST', headers, body })
    assert.equal(answer.status, 200)
    return (await answer.json()).value
  }

  /** Plays these troubles to whatever is minted from now on, and no others. */
  async rehearse(faults) {
    const headers = { Authorization: `Bearer ${this.#key}` }
    const answer = await fetch(`${this.url}/faults`, { method: 'PUT', headers, body: JSON.stringify(faults) })
    assert.equal(answer.status, 204, await answer.text())
  }

  async stop() {
    this.#program.kill('SIGTERM')
    if (this.#program.exitCode === null) await once(this.#program, 'exit')
    await rm(this.#folder, { recursive: true })
  }
}
