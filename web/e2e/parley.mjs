// The real program on a folder of its own, as `make run` starts it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
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
      this.url ??= /^Parley is ready: (\S+)/.exec(line)?.[1]
      this.setUpLink ??= /(http\S+setup\?code=\S+)/.exec(line)?.[1]
      if (this.setUpLink) break
    }
    clearTimeout(late)
    assert.ok(this.url && this.setUpLink, `the program ended before it was ready:\n${this.#log}`)
    this.#program.stdout.resume()
  }

  get data() {
    return join(this.#folder, 'data')
  }

  /** What a command of the program prints; rejects when it fails. */
  async command(name, ...args) {
    return (await run(binary, [name, '--data', this.data, ...args], { env: bare(), timeout: patience }))
      .stdout
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
