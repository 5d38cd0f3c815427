// Secrets stay where they belong: the whole line in a browser, with a provider
// elsewhere that wants a key, at the most talkative log level; then a search for
// every secret in all that was said meanwhile.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { ada, Learner } from './learner.mjs'
import { freePort, Parley, Partner } from './parley.mjs'
import { cafe, nothing, speak } from './speech.mjs'

const phrase = 'What can I get you to drink?'
const apiKey = 'sk-recognizable-in-the-browser-7Jq2Lm'
const masterKey = randomBytes(32).toString('base64')
const wrongPassword = 'not-the-password-of-ada-8Xw2'

let parley, partner, speech, browser, learner
/** What must not come to light, by name; found as the line goes on. */
const secrets = { apiKey, masterKey, phrase, password: ada.password, wrongPassword }
/** What was said, by where. */
const said = {}

before(async () => {
  const port = await freePort()
  partner = await Partner.start({ key: apiKey, origin: `http://127.0.0.1:${port}` })
  parley = await Parley.start({
    addr: `127.0.0.1:${port}`,
    settings: {
      OPENAI_API_KEY: apiKey,
      PARLEY_REALTIME_URL: partner.url,
      PARLEY_REALTIME_DIALECT: 'partner',
      PARLEY_MASTER_KEY: masterKey,
      PARLEY_LOG_LEVEL: 'debug',
    },
  })
  speech = await speak(nothing())
  browser = await launch(microphone.playing(speech.file))
  learner = await Learner.sitDown(await browser.newContext())
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
  await partner?.stop()
})

test('secrets of the line stay where they belong', { timeout: 180_000 }, async (t) => {
  let session

  await t.test('given a conversation that was saved', async () => {
    const addresses = []
    learner.page.on('request', (request) => addresses.push(withoutQuery(request.url())))
    learner.page.on('response', keepSecrets)
    await learner.setUp(parley.setUpLink)
    await learner.chooseTopic()
    await learner.start()
    await learner.endAndSave()
    session = await learner.review()
    const [cookie, known] = await learner.page.context().cookies(parley.url)
    secrets.cookie = cookie.value
    secrets.known = known.value
    assert.ok(cafe.heard[0].includes(phrase))
    for (const name of ['token', 'signature', 'cookie', 'known']) assert.ok(secrets[name]?.length >= 16, `no ${name}`)
    said.addresses = addresses.join('\n')
  })

  await t.test('when what can go wrong does', async () => {
    const problems = [
      await ask('/api/sign-in', JSON.stringify({ email: ada.email, password: wrongPassword })),
      await ask('/api/sign-in', `{"email":"${ada.email}","password":"${ada.password}`),
      await ask(`/api/sessions/${session}/events`, `{"events":[{"n":"${secrets.token}"}]}`),
      await ask(`/api/sessions/${session}/token`, '{}'),
      await ask(`/api/sessions/${session}/upload`, JSON.stringify({ sha256: secrets.signature })),
    ]
    for (const problem of problems) assert.match(problem, /"code":"[a-z_]+"/)
    said.problems = problems.join('\n')
  })

  await t.test('then none is in what was said meanwhile', async () => {
    said.events = JSON.stringify(await parley.replay(session))
    for (const path of ['/', '/metrics', '/openapi.json', '/readyz']) said[path] = await text(path)
    const files = await built()
    assert.ok(files.length > 20, `${files.length} files of the page`)
    for (const path of files) said[path] = await text(path)
    said.arguments = await commandLines()
    said.surprises = learner.surprises.join('\n')
    said.log = parley.said
    said['partner’s log'] = partner.said
    assert.match(said.log, /level=DEBUG/, 'the log says little: the search could not fail')
    assert.match(said.events, /segment_transcribed/)
    for (const [where, words] of Object.entries(said))
      for (const [name, secret] of Object.entries(secrets))
        assert.ok(!words.includes(secret), `the ${name} is in ${where}`)
  })
})

// The page's own answers hold two secrets that are hers: the call's token, and
// the signature of the upload's address.
async function keepSecrets(response) {
  const path = new URL(response.url()).pathname
  if (!/\/(token|upload)$/.test(path) || !response.ok()) return
  const answer = await response.json()
  secrets.token ??= answer.value
  const signed = answer.parts?.[0]?.url
  if (signed) secrets.signature ??= new URL(signed, parley.url).searchParams.get('X-Amz-Signature')
}

// The store's address has a signature by its nature; no other may hold a secret.
const withoutQuery = (url) => (url.includes('X-Amz-Signature') ? url.split('?')[0] : url)

const ask = (path, data) =>
  learner.page.request
    .post(new URL(path, parley.url).href, { data, headers: { 'Content-Type': 'application/json' } })
    .then((answer) => answer.text())

const text = (path) => learner.get(path).then((answer) => answer.text())

/** Every file of the page, also what is loaded when somebody goes there. */
async function built() {
  const found = await readdir(new URL('../dist/', import.meta.url), { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name).split('/dist').at(-1))
}

async function commandLines() {
  const lines = (await parley.processes()).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return (await Promise.all(lines)).join('\n')
}
