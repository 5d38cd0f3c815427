// How loud a recording is, as the server measured it: what is missing in the
// file keeps its place there.
import assert from 'node:assert/strict'
import { eventually } from './parley.mjs'

/** The levels of a saved session: of each speaker a value for each `span` ms. */
export async function levelsOf(learner, session) {
  let answer
  await eventually('the levels are made', async () => {
    answer = await learner.get(`/api/sessions/${session}/levels`)
    return answer.status() === 200
  })
  const bytes = await answer.body()
  assert.equal(bytes.toString('latin1', 0, 4), 'PLV1')
  const [channels, aSecond] = bytes.subarray(4)
  assert.equal(channels, 2)
  const side = (channel) => ({
    span: 1000 / aSecond,
    values: [...bytes.subarray(8)].filter((_, place) => place % channels === channel),
  })
  return { learner: side(0), tutor: side(1) }
}
