// What is on screen once a conversation has begun. It is loaded before the first
// call: nothing can be loaded when the network is gone.
export { default as Saving } from './Saving.svelte'
export { default as Settings } from './Settings.svelte'
export { default as Stage } from './Stage.svelte'
