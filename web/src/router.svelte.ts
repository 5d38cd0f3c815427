import { parse, type Route } from './route'

/** Where the page is; follows the address. */
export class Router {
  route: Route = $state({ view: 'topics' })
  /** While somebody talks or a session is being saved there is nowhere else to go. */
  held = $state(false)
  readonly #window: Window

  constructor(window: Window) {
    this.#window = window
    this.#read()
    window.addEventListener('hashchange', () => {
      this.#read()
    })
  }

  go(address: string): void {
    this.#window.location.hash = address
  }

  #read(): void {
    this.route = parse(this.#window.location.hash)
  }
}
