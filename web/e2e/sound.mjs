// Looks into the sound of the review page.

/** What the player says of its recording, in s, once it knows. */
export function loaded(page) {
  return page.locator('audio').evaluate(async (audio) => {
    if (audio.readyState < HTMLMediaElement.HAVE_METADATA)
      await new Promise((resolve) => audio.addEventListener('loadedmetadata', resolve, { once: true }))
    return audio.duration
  })
}

/** Moves the player's slider to a share of the whole; answers with the time that it stands at, in s. */
export async function seek(page, share) {
  const heard = await listen(page, 'seeked')
  const slider = page.getByRole('slider', { name: 'Position' })
  await slider.fill(String(Math.round((Number(await slider.getAttribute('max')) * share) / 100) * 100))
  return heard()
}

/** Clicks a turn; answers with the time at which the player begins, in ms, and stops it. */
export async function hear(page, turn) {
  const heard = await listen(page, 'playing')
  await turn.click()
  const began = (await heard()) * 1000
  await page.getByRole('button', { name: 'Pause' }).click()
  return began
}

/**
 * Listens for the player's next event of a name, from now on and not from some
 * later moment: what is done next may be answered at once. Answers with a wait
 * for it, which gives the player's time in s.
 */
async function listen(page, name) {
  const ear = await page.locator('audio').evaluateHandle(
    (audio, name) => ({
      heard: new Promise((resolve) =>
        audio.addEventListener(name, () => resolve(audio.currentTime), { once: true }),
      ),
    }),
    name,
  )
  return () => ear.evaluate(({ heard }) => heard)
}

/**
 * How loud each side of the recording is within each window [from, to] in ms,
 * in dBFS: left is the learner, right the tutor.
 */
export function loudness(page, windows) {
  return page.locator('audio').evaluate(async (audio, windows) => {
    const bytes = await (await fetch(audio.src)).arrayBuffer()
    const sound = await new OfflineAudioContext(2, 1, 48_000).decodeAudioData(bytes)
    const level = (channel, [from, to]) => {
      const samples = sound.getChannelData(channel).subarray(from * 48, to * 48)
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      return Math.round(10 * Math.log10(power + 1e-12))
    }
    return windows.map((window) => ({ left: level(0, window), right: level(1, window) }))
  }, windows)
}
