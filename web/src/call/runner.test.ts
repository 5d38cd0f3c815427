import { describe, expect, test } from 'vitest'
import type { ProviderEvent } from './provider'
import { refusal, Rehearsal, settled, type PlayedLine } from './rehearsal'

/** Call 1 has heard a turn of each; then its line breaks, and does not heal. */
async function broken(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.talk()
  rehearsal.line.turn('tutor', 't1', 'Hello')
  rehearsal.line.turn('learner', 'l1', 'Hi')
  rehearsal.line.events.onDisturbed()
  await rehearsal.pass(5_000)
}

describe('a conversation', () => {
  test('goes from the click to saved', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    expect(rehearsal.state).toMatchObject({ name: 'talking' })
    expect(rehearsal.tape.recorded).toBe(1)
    expect(rehearsal.line.types).toEqual(['response.create'])
    expect(rehearsal.toldOf(1)).toEqual([
      'parley.recording_started',
      'parley.call_connected',
      'session.created',
    ])

    rehearsal.runner.end()
    rehearsal.tape.stopped.open(undefined)
    await settled()
    rehearsal.saving[0]?.open(undefined)
    await settled()
    expect(rehearsal.state).toEqual({ name: 'saved', why: { cause: 'learner' } })
    expect(rehearsal.line.closed && rehearsal.closed).toBe(true)
  })

  // At each step that takes time the learner leaves, or presses End; then the step goes on.
  const steps: [string, (rehearsal: Rehearsal) => void][] = [
    [
      'the microphone',
      ({ microphone }) => {
        microphone.open(undefined)
      },
    ],
    [
      'the rest of the page',
      ({ rest }) => {
        rest.open(undefined)
      },
    ],
    [
      'the session',
      ({ session }) => {
        session.open({} as never)
      },
    ],
    [
      'the token',
      ({ tokens }) => {
        tokens[0]?.open({ value: 's', expires_at: '', calls_url: '/', call: 1, model: 'm' })
      },
    ],
    [
      'the call',
      ({ lines }) => {
        lines[0]?.connect('rtc_1')
      },
    ],
  ]

  const leavings: [string, (rehearsal: Rehearsal) => unknown][] = [
    [
      'given up',
      ({ runner }) => {
        runner.cancel()
      },
    ],
    [
      'ended',
      ({ runner }) => {
        runner.end()
      },
    ],
    ['left', ({ runner }) => runner.leave()],
  ]
  const cases = steps.flatMap(([step], at) => leavings.map(([how, leave]) => ({ how, step, at, leave })))

  test.each(cases)('$how while waiting for $step lets go of everything', async ({ at, leave }) => {
    const rehearsal = new Rehearsal()
    rehearsal.tape.stopped.open(undefined)
    rehearsal.runner.start()
    for (const [place, [, goOn]] of steps.entries()) {
      await settled()
      if (place === at) void leave(rehearsal)
      goOn(rehearsal)
    }
    await settled()
    expect(rehearsal.state).toEqual({ name: 'failed', reason: { what: 'cancelled' }, saveable: false })
    expect(rehearsal.closed).toBe(true)
    expect(rehearsal.lines.every(({ closed }) => closed)).toBe(true)
    // Once the server may know of the session, it is told of its end.
    expect(rehearsal.saving).toHaveLength(at >= 1 ? 1 : 0)
  })

  test('does not begin when the rest of the page cannot be had', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.runner.start()
    rehearsal.microphone.open(undefined)
    await settled()
    rehearsal.rest.refuse(new Error('no network'))
    await settled()
    expect(rehearsal.state).toMatchObject({ name: 'failed', reason: { what: 'session', code: 'offline' } })
  })

  test('takes another token, once, where a good one is refused', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.runner.start()
    rehearsal.microphone.open(undefined)
    await settled()
    rehearsal.rest.open(undefined)
    rehearsal.session.open({} as never)
    await settled()
    await rehearsal.issue(1)
    rehearsal.line.refuse(401)
    await settled()
    await rehearsal.issue(2, { resume: { type: 'realtime' } })
    expect(rehearsal.lines).toHaveLength(2)
    rehearsal.line.refuse(401)
    await settled()
    expect(rehearsal.tokens).toHaveLength(2)
    expect(rehearsal.state).toMatchObject({ name: 'failed', reason: { what: 'call' } })
  })

  test('that the server ends is saved, and says why', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    const change = { id: rehearsal.runner.session, status: 'ended', deleted: false, position: '1' } as const
    rehearsal.changed({ ...change, id: 'another' })
    rehearsal.changed({ ...change, status: 'active' })
    await settled()
    expect(rehearsal.state.name).toBe('talking')
    rehearsal.changed(change)
    await settled()
    expect(rehearsal.state).toMatchObject({ name: 'ending', why: { cause: 'server', told: 'idle' } })
  })

  test('that the server has ended gets no further call, and says why', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.line.events.onLost()
    rehearsal.tokens.at(-1)?.refuse(refusal('ended'))
    await settled()
    expect(rehearsal.state).toEqual({ name: 'ending', why: { cause: 'server', told: 'idle' } })
  })

  test('that may have ended while nobody listened is asked about', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.changed(undefined)
    await settled()
    expect(rehearsal.state.name).toBe('ending')
  })
})

describe('another microphone', () => {
  test('that is chosen before the start is the one that is opened', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.runner.useMicrophone('headset')
    expect(rehearsal.opened).toEqual([])
    await rehearsal.talk()
    expect(rehearsal.opened).toEqual(['headset'])
  })

  test('is tried out in place of the one that was', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.runner.check()
    rehearsal.microphone.open(undefined)
    await settled()
    rehearsal.runner.useMicrophone('headset')
    await settled()
    expect(rehearsal.opened).toEqual(['', 'headset'])
    expect(rehearsal.state).toMatchObject({ name: 'idle', microphone: 'heard' })
  })

  test('takes over in the middle of a talk', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.runner.useMicrophone('headset')
    await settled()
    expect(rehearsal.opened).toEqual(['', 'headset'])
    expect(rehearsal.state.name).toBe('talking')
  })
})

test('a call began when it was connected, however long the recorder took to start', async () => {
  const rehearsal = new Rehearsal()
  rehearsal.now = 1_000
  rehearsal.tape.starting = 90
  await rehearsal.talk()
  const connected = rehearsal.told.find(
    ({ event }) => (event as ProviderEvent).type === 'parley.call_connected',
  )
  expect(connected).toMatchObject({ at_ms: 0, rec_ms: 1_000, event: { since_click_ms: 0 } })
})

describe('the start of a tutor’s turn', () => {
  const starts = ({ told }: Rehearsal) =>
    told.filter(({ event }) => (event as ProviderEvent).type === 'output_audio_buffer.started')

  test('is told when it is heard here', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.tutor = 0
    rehearsal.line.turn('tutor', 'a', 'Good morning.')
    await rehearsal.pass(20)
    expect(starts(rehearsal)).toEqual([])
    rehearsal.tutor = 1
    await rehearsal.pass(20)
    expect(starts(rehearsal)).toMatchObject([{ call: 1, rec_ms: 40 }])
  })

  test('is when it was told, should nothing be heard', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.tutor = 0
    rehearsal.line.turn('tutor', 'a', 'Good morning.')
    for (let looks = 0; looks < 100; looks++) await rehearsal.pass(20)
    expect(starts(rehearsal)).toMatchObject([{ call: 1, rec_ms: 0 }])
  })
})

describe('a broken call', () => {
  test('that heals within five seconds goes on', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.line.events.onDisturbed()
    rehearsal.line.events.onHealed()
    await rehearsal.pass(5_000)
    expect(rehearsal.state.name).toBe('talking')
    expect(rehearsal.tokens).toHaveLength(1)
  })

  test('is taken up by the next one, with what was said; recording goes on', async () => {
    const rehearsal = new Rehearsal()
    await broken(rehearsal)
    expect(rehearsal.lines[0]?.closed).toBe(true)
    expect(rehearsal.toldOf(1).at(-1)).toBe('parley.call_dropped')
    const resume = { type: 'realtime', audio: {} }
    await rehearsal.issue(2, { resume })
    rehearsal.line.connect('rtc_2')
    expect(rehearsal.state.name).toBe('talking')
    expect(rehearsal.toldOf(2).slice(0, 1)).toEqual(['parley.call_connected'])
    expect(rehearsal.line.types).toEqual([
      'conversation.item.create',
      'conversation.item.create',
      'session.update',
      'response.create',
    ])
    expect(rehearsal.line.sent[2]).toEqual({ type: 'session.update', session: resume })
    expect(rehearsal.tape.recorded).toBe(1)
  })

  test('is not answered by the tutor when the learner was to speak', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.line.turn('tutor', 't1', 'Hello')
    rehearsal.line.events.onLost()
    await settled()
    await rehearsal.issue(2)
    rehearsal.line.connect('rtc_2')
    expect(rehearsal.line.types).toEqual(['conversation.item.create', 'session.update'])
  })

  test('says nothing more once another one stands', async () => {
    const rehearsal = new Rehearsal()
    await broken(rehearsal)
    await rehearsal.issue(2)
    rehearsal.line.connect('rtc_2')
    const before = rehearsal.state
    rehearsal.lines[0]?.events.onDisturbed()
    rehearsal.lines[0]?.events.onLost()
    expect(rehearsal.state).toBe(before)
  })

  test('is given up at last: the session ends by itself and is saved', async () => {
    const rehearsal = new Rehearsal()
    await broken(rehearsal)
    for (let tries = 1; rehearsal.state.name === 'reconnecting'; tries++) {
      expect(tries).toBeLessThanOrEqual(10)
      rehearsal.tokens.at(-1)?.refuse(refusal('offline'))
      await settled()
      await rehearsal.pass(Math.min(30_000, 500 * 2 ** (tries - 1)))
    }
    expect(rehearsal.state).toEqual({ name: 'ending', why: { cause: 'unreachable' } })
  })

  test('is tried again at once when the network is back', async () => {
    const rehearsal = new Rehearsal()
    await broken(rehearsal)
    rehearsal.tokens.at(-1)?.refuse(refusal('offline'))
    await settled()
    rehearsal.runner.tryNow()
    expect(rehearsal.tokens).toHaveLength(3)
    await rehearsal.pass(500)
    expect(rehearsal.tokens).toHaveLength(3)
    expect(rehearsal.triedNow).toBe(1)
  })

  test('may be ended while the next one comes about, which is then let go', async () => {
    const rehearsal = new Rehearsal()
    await broken(rehearsal)
    await rehearsal.issue(2)
    rehearsal.runner.end()
    rehearsal.tape.stopped.open(undefined)
    await settled()
    await rehearsal.pass(20) // the ear listens no more
    rehearsal.saving[0]?.open(undefined)
    await settled()
    expect(rehearsal.state.name).toBe('saved')
    expect(rehearsal.line.closed).toBe(true)
  })
})

describe('a call that the provider is about to end', () => {
  const life = 3_600_000

  async function near(): Promise<{ rehearsal: Rehearsal; former: PlayedLine }> {
    const rehearsal = new Rehearsal()
    await rehearsal.talk(1_000_000 + life / 1000)
    const former = rehearsal.line
    former.turn('tutor', 't1', 'Hello')
    await rehearsal.pass(life - 120_000)
    return { rehearsal, former }
  }

  test('is replaced in a pause; the next one hears nobody until then', async () => {
    const { rehearsal, former } = await near()
    former.events.onEvent({ type: 'input_audio_buffer.speech_started', item_id: 'l1' })
    await rehearsal.issue(2, { resume: {} })
    const next = rehearsal.line
    expect(next.voice).toMatchObject({ name: 'silence', enabled: false })
    next.connect('rtc_2')
    expect(next.types).toEqual([])
    expect(former.closed).toBe(false)

    former.turn('learner', 'l1', 'Hi')
    former.turn('tutor', 't2', 'How are you?')
    await settled()
    expect(next.voice).toMatchObject({ name: 'microphone' })
    expect(next.types).toEqual([
      'conversation.item.create',
      'conversation.item.create',
      'conversation.item.create',
      'session.update',
    ])
    expect(former.closed).toBe(true)
    expect(rehearsal.tracks.filter(({ name }) => name === 'silence').every(({ stopped }) => stopped)).toBe(
      true,
    )
    expect(rehearsal.toldOf(2)).toEqual(['parley.call_connected', 'session.created'])
    expect(rehearsal.states.every(({ name }) => name !== 'reconnecting')).toBe(true)
  })

  test('stays up for a text under way', async () => {
    const { rehearsal, former } = await near()
    former.events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l1' })
    await rehearsal.issue(2, { resume: {} })
    rehearsal.line.connect('rtc_2')
    await settled()
    expect(former.voice).toBeNull()
    expect(former.closed).toBe(false)
    former.turn('learner', 'l1', 'Hi')
    await settled()
    expect(rehearsal.toldOf(1)).toContain('conversation.item.input_audio_transcription.completed')
    expect(former.closed).toBe(true)
  })

  test('is left at the last moment in the middle of her words, which are a turn', async () => {
    const { rehearsal, former } = await near()
    former.events.onEvent({ type: 'input_audio_buffer.speech_started', item_id: 'l1' })
    await rehearsal.issue(2, { resume: {} })
    rehearsal.line.connect('rtc_2')
    for (let waited = 0; waited < 92_000; waited += 2_000) await rehearsal.pass(2_000)
    expect(former.types.slice(1)).toEqual(['input_audio_buffer.commit', 'session.update'])
    expect(rehearsal.line.voice).toMatchObject({ name: 'microphone' })
  })

  test('counts as lost when it says nothing at its end, and no other is to be had', async () => {
    const { rehearsal } = await near()
    rehearsal.tokens.at(-1)?.refuse(refusal('provider_unavailable'))
    await settled()
    expect(rehearsal.state).toMatchObject({ name: 'talking', next: { step: 'refused' } })
    for (let waited = 0; waited < 124_000; waited += 2_000) await rehearsal.pass(2_000)
    expect(rehearsal.state.name).toBe('reconnecting')
  })
})
