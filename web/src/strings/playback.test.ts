import { describe, expect, test } from 'vitest'
import inspect from '../../../projections/recording/inspect.go?raw'
import { lacks } from './playback'

describe('a recording that lacks', () => {
  test.each<[what: string, notes: string[], told: string[]]>([
    ['nothing', [], []],
    ['a moment', ['gaps=1', 'missing_ms=999'], ['The recording has a gap of less than a second.']],
    ['a second', ['gaps=1', 'missing_ms=1000'], ['The recording has a gap of 1 s.']],
    [
      'something in two places',
      ['dropped_bytes=7', 'gaps=2', 'missing_ms=63000'],
      ['The recording has 2 gaps, 1 min 3 s in all.'],
    ],
    [
      'its end, as the transcript shows',
      ['missing_bytes=1357', 'ends_before_transcript_ms=180000'],
      ['The recording ends 3 min 0 s before the conversation does.'],
    ],
    ['its last bytes', ['missing_bytes=1357'], ['The end of the recording was cut off.']],
    ['what could not be read', ['dropped_bytes=23'], ['A piece of the recording could not be used.']],
    ['what came twice', ['dropped_blocks=20'], ['A piece of the recording could not be used.']],
    [
      'something in its middle and its end',
      ['dropped_bytes=7', 'missing_bytes=1', 'gaps=1', 'missing_ms=2000'],
      ['The recording has a gap of 2 s.', 'The end of the recording was cut off.'],
    ],
    ['what an early finalizer noted without a number', ['duration', 'cues'], []],
  ])('%s', (_, notes, told) => {
    expect(lacks(notes)).toEqual(told)
  })

  test('is noted by these names only', () => {
    expect([...inspect.matchAll(/\tadd\("(\w+)"/g)].map(([, name]) => name)).toEqual([
      'dropped_bytes',
      'dropped_blocks',
      'missing_bytes',
      'gaps',
      'missing_ms',
      'ends_before_transcript_ms',
    ])
  })
})
