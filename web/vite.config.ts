import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const server = process.env.PARLEY_DEV_TARGET ?? 'http://127.0.0.1:8787'
const proxied = ['/api', '/v1', '/healthz', '/readyz', '/openapi.json', '/asyncapi.json']

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // The folder itself is embedded in the binary and keeps its placeholder;
    // scripts/clean.js empties the rest.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    manifest: true,
    // A polyfill for browsers that cannot run this page anyway.
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    // The server checks where a change comes from, so the origin stays the page's.
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: server, changeOrigin: false }])),
  },
  // A test that hangs ends then; how long one takes is the machine's.
  test: { include: ['src/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
})
