import { readEvent, type ProviderEvent } from './provider'

/** What a connection reports. */
export type ConnectionEvents = {
  /** The line stands and events can be sent. Comes once, before any other. */
  onConnected: (providerCall: string) => void
  onEvent: (event: ProviderEvent) => void
  onVoice: (voice: MediaStream) => void
  onDisturbed: () => void
  onHealed: () => void
  onLost: () => void
}

/** How long the provider may take to answer an offer, in ms. */
const patience = 15_000

/** The provider did not take an offer; `status` is its answer's. */
export class OfferRefused extends Error {
  override readonly name = 'OfferRefused'
  readonly status: number

  constructor(status: number) {
    super(`the provider answered ${status} to the call`)
    this.status = status
  }
}

/** One call: a WebRTC connection straight to the provider. */
export class Connection {
  readonly #peer = new RTCPeerConnection()
  readonly #channel: RTCDataChannel
  readonly #events: ConnectionEvents
  #providerCall = ''
  readonly #sender: RTCRtpSender
  #connected = false
  #closed = false

  /** The provider hears `voice`, until {@link hear} gives it another. */
  constructor(voice: MediaStreamTrack, events: ConnectionEvents) {
    this.#events = events
    this.#sender = this.#peer.addTrack(voice, new MediaStream([voice]))
    this.#channel = this.#peer.createDataChannel('oai-events')
    this.#channel.onopen = this.#up
    this.#channel.onmessage = (message) => {
      this.#receive(message.data)
    }
    this.#channel.onclose = this.#lost
    this.#peer.ontrack = ({ streams, track }) => {
      events.onVoice(streams[0] ?? new MediaStream([track]))
    }
    this.#peer.onconnectionstatechange = this.#changed
  }

  /** Offers the call. Rejects when the provider does not take it, with {@link OfferRefused} when it says so. */
  async open(callsUrl: string, token: string): Promise<void> {
    const offer = await this.#peer.createOffer()
    await this.#peer.setLocalDescription(offer)
    const response = await fetch(callsUrl, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' },
      body: offer.sdp ?? '',
      credentials: 'omit',
      signal: AbortSignal.timeout(patience),
    })
    if (!response.ok) throw new OfferRefused(response.status)
    this.#providerCall = response.headers.get('Location')?.split('/').at(-1) ?? ''
    await this.#peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  }

  /** From here on the provider hears this voice; null: nobody's. */
  async hear(voice: MediaStreamTrack | null): Promise<void> {
    if (!this.#closed) await this.#sender.replaceTrack(voice)
  }

  /** Sends an event; one that cannot leave any more is of no use to anyone. */
  send(event: ProviderEvent): void {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(event))
  }

  /** Hangs up. Nothing is reported after that. */
  close(): void {
    this.#closed = true
    this.#channel.close()
    this.#peer.close()
  }

  #receive(data: unknown): void {
    const event = readEvent(data)
    if (!event || this.#closed) return
    this.#up()
    this.#events.onEvent(event)
  }

  readonly #up = (): void => {
    if (this.#connected || this.#closed) return
    this.#connected = true
    this.#events.onConnected(this.#providerCall)
  }

  readonly #lost = (): void => {
    if (!this.#closed) this.#events.onLost()
  }

  readonly #changed = (): void => {
    if (this.#closed) return
    const state = this.#peer.connectionState
    if (state === 'failed' || state === 'closed') this.#lost()
    if (state === 'disconnected' && this.#connected) this.#events.onDisturbed()
    if (state !== 'connected') return
    if (this.#connected) this.#events.onHealed()
    else this.#up()
  }
}
