/** A line of a plot: a name, and points of (x, y). */
export interface Line {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 400, 70, 190, 40, 50]
const COLORS = ['#1f5fa8', '#d1495b', '#2e8b57', '#8a5fbf', '#c77d0a']

/** An SVG of lines over two logarithmic axes. */
export function plot(
  title: string,
  axes: { readonly x: string; readonly y: string },
  lines: readonly Line[],
): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x))
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y))
  const x = scale(Math.min(...xs), Math.max(...xs), LEFT, WIDTH - RIGHT)
  const [low, high] = [
    10 ** Math.floor(Math.log10(Math.min(...ys))),
    10 ** Math.ceil(Math.log10(Math.max(...ys))),
  ]
  const y = scale(low, high, HEIGHT - BOTTOM, TOP)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="bold">${title}</text>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${axes.x}</text>`,
    `<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${axes.y}</text>`,
  ]
  for (let tick = low; tick <= high; tick *= 10) {
    const at = y(tick)
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#dddddd"/>`)
    parts.push(`<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${tick}</text>`)
  }
  for (const tick of new Set(xs))
    parts.push(`<text x="${x(tick)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${tick}</text>`)
  const labels = spread(lines.map(({ points }) => y(points.at(-1)?.[1] ?? low)))
  lines.forEach(({ name, points }, index) => {
    const color = COLORS[index % COLORS.length] ?? ''
    const places = points.map((point) => `${x(point[0])} ${y(point[1])}`)
    parts.push(`<path d="M${places.join('L')}" fill="none" stroke="${color}" stroke-width="2"/>`)
    for (const place of places) {
      const [cx, cy] = place.split(' ')
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`)
    }
    parts.push(
      `<text x="${WIDTH - RIGHT + 8}" y="${(labels[index] ?? 0) + 4}" fill="${color}">${name}</text>`,
    )
  })
  return `${[...parts, '</svg>'].join('\n')}\n`
}

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const [a, b] = [Math.log10(low), Math.log10(high)]
  return (value) => Math.round((from + ((Math.log10(value) - a) / (b - a || 1)) * (to - from)) * 10) / 10
}

/** Labels at least a line apart. */
function spread(places: readonly number[]): readonly number[] {
  const order = places.map((place, index) => ({ place, index })).sort((a, b) => a.place - b.place)
  const result: number[] = []
  let last = -Infinity
  for (const { place, index } of order) {
    last = Math.max(place, last + 15)
    result[index] = last
  }
  return result
}
