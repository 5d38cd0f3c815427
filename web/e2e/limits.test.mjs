// The server ends a session by its own clock; the page has warned, and saves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { look, Rehearsal } from './rehearsal.mjs'

test('a session in which nobody speaks is ended, after a warning, and saved', { timeout: 240_000 }, async (t) => {
  const rehearsal = await Rehearsal.begin({ PARLEY_SESSION_IDLE: '15s' })
  t.after(() => rehearsal.end())
  const learner = await rehearsal.scene({})
  await learner.start()
  await learner.sees('Listening')
  await learner.page.getByText('Nobody has spoken for a while.').waitFor()
  await look(learner.page, 'quiet')
  await learner.saved()
  await learner.page.getByText('so the session was ended.').waitFor()
  const told = await learner.told(await learner.review())
  assert.equal(told.status, 'saved')
  assert.equal(told.ended_because, 'idle')
  assert.ok(told.audio.duration_ms > 10_000)
})
