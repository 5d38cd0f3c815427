/** Calls `draw` at every frame, or four times a second when motion is to be reduced; the answer stops it. */
export function eachFrame(draw: () => void): () => void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    const timer = setInterval(draw, 250)
    return () => {
      clearInterval(timer)
    }
  }
  let frame = requestAnimationFrame(function next() {
    draw()
    frame = requestAnimationFrame(next)
  })
  return () => {
    cancelAnimationFrame(frame)
  }
}
