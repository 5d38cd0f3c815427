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
 * Plays parts of the recording, each [from, to] in ms, and answers with how
 * loud its sides are in each, in dBFS: left is the learner, right the tutor.
 * It has to be played: a browser that was short of time leaves gaps in its
 * file, and only a player keeps what follows a gap in its place.
 */
export async function sides(page, parts) {
  const ears = await page.locator('audio').evaluateHandle(attach)
  const heard = []
  for (const part of parts) heard.push(await ears.evaluate(measure, part))
  return heard
}

// Runs in the page.
function attach(audio) {
  const context = new AudioContext()
  const splitter = context.createChannelSplitter(2)
  context.createMediaElementSource(audio).connect(splitter)
  const meters = [context.createAnalyser(), context.createAnalyser()]
  for (const [side, meter] of meters.entries()) splitter.connect(meter, side)
  audio.playbackRate = 2
  return { audio, meters }
}

// Runs in the page: the mean over a part, but for its edges.
async function measure({ audio, meters }, [from, to]) {
  const edge = 0.3
  const power = [0, 0]
  const samples = new Float32Array(meters[0].fftSize)
  audio.currentTime = from / 1000
  await audio.play()
  for (let looks = 0; audio.currentTime < to / 1000 - edge && !audio.ended;) {
    await new Promise(requestAnimationFrame)
    if (audio.currentTime < from / 1000 + edge) continue
    looks++
    for (const [side, meter] of meters.entries()) {
      meter.getFloatTimeDomainData(samples)
      const now = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      power[side] += (now - power[side]) / looks
    }
  }
  audio.pause()
  const [left, right] = power.map((mean) => Math.round(10 * Math.log10(mean + 1e-12)))
  return { left, right }
}

/** Lets a test hear what the pages of a context give to the ears. */
export function overhear(context) {
  return context.addInitScript(listenIn)
}

// Runs in the page, before anything of it.
function listenIn() {
  const { connect } = AudioNode.prototype
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const apart = to.context.createChannelSplitter(2)
      globalThis.ears = [0, 1].map((side) => {
        const ear = to.context.createAnalyser()
        connect.call(apart, ear, side)
        return ear
      })
      connect.call(this, apart)
    }
    return connect.call(this, to, ...rest)
  }
}

/** How loud each ear becomes while the player plays from one time to another, in ms: [left, right] in dBFS. */
export function atTheEars(page, from, to) {
  return page.locator('audio').evaluate(hearken, { from, to })
}

// Runs in the page. The ears lag behind the player: nothing counts before the first 200 ms are over.
async function hearken(audio, { from, to }) {
  const most = [0, 0]
  const samples = new Float32Array(globalThis.ears[0].fftSize)
  audio.currentTime = from / 1000
  await audio.play()
  while (audio.currentTime * 1000 < to && !audio.ended) {
    await new Promise(requestAnimationFrame)
    if (audio.currentTime * 1000 < from + 200) continue
    for (const [side, ear] of globalThis.ears.entries()) {
      ear.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      most[side] = Math.max(most[side], power)
    }
  }
  audio.pause()
  return most.map((power) => Math.round(10 * Math.log10(power + 1e-12)))
}
