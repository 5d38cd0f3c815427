import { expect, test } from 'vitest'
import rejection from '../../../projections/recording/rejection.go?raw'
import status from '../../../events/status.go?raw'
import { attention } from './attention'

const reasons = [rejection, status].flatMap((source) =>
  [...source.matchAll(/^(?:\tReason\w+ +Reason|const OnDevice) = "(\w+)"/gm)].map(([, reason]) =>
    String(reason),
  ),
)

test('the server gives a dozen reasons and one more', () => {
  expect(reasons).toHaveLength(13)
})

test.each(reasons)('%s has a sentence', (reason) => {
  expect(attention(reason)).not.toContain(reason)
})

test.each(['something_new', 'toString'])('%s is passed on to whoever can help', (reason) => {
  expect(attention(reason)).toContain(reason)
})
