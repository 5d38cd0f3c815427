// How loud a recording is, as the server measured it: what is missing in the
// file keeps its place there.
import assert from 'node:assert/strict'
import { eventually } from './parley.mjs'

/** From here on a side is heard: some -45 dBFS, in the steps of the levels. */
const heard = 75

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

/**
 * Where each speaker begins after the other, in ms. A pause within a turn
 * begins nothing, nor does a hole that a busy machine left in it.
 */
export function beginnings({ learner, tutor }) {
  const begun = { learner: [], tutor: [] }
  let last
  for (const [place, level] of tutor.values.entries()) {
    const who = learner.values[place] >= heard ? 'learner' : level >= heard ? 'tutor' : last
    if (who !== last) begun[who].push(place * tutor.span)
    last = who
  }
  return begun
}

/** A moment as the player takes it: the first rise of the speaker's side from 300 ms before it to 700 ms after it. */
export function snapped({ span, values }, moment) {
  const first = Math.max(1, Math.ceil((moment - 300) / span))
  for (let place = first; place * span <= moment + 700; place++)
    if (values[place] >= heard && values[place - 1] < heard) return place * span
  return moment
}
