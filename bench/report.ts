import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Results, type Size } from './figures.ts'
import { plot } from './plot.ts'

/** Prints what was measured; keeps it too, unless it is a quick look: as JSON, in the documentation, and as a plot. */
export function writeReport(results: Results, root: string, quick: boolean): void {
  const text = tables(results)
  process.stdout.write(`${text}\n`)
  if (quick) return
  writeFileSync(join(root, 'bench/results/latest.json'), `${JSON.stringify(results, rounded, 2)}\n`)
  const page = join(root, 'docs/performance.md')
  const marked = readFileSync(page, 'utf8')
  const place = /(<!-- measured:start -->\n)[^]*(<!-- measured:end -->)/
  writeFileSync(
    page,
    marked.replace(place, (_, start: string, end: string) => `${start}${text}\n${end}`),
  )
  writeFileSync(join(root, 'docs/performance.svg'), scalePlot(results))
}

const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Math.round(value * 100) / 100 : value

function tables(results: Results): string {
  const { machine, node, version, sizes, sweep } = results
  const about = Object.entries(machine).map(([key, value]) => `${key} ${value}`)
  const total = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)
  return [
    `Measured with: ${about.join('; ')}. Times are the least of ${results.runs} runs, of fewer where a run takes seconds, and memory is the most.`,
    '',
    'Whole processes. An empty Node program is the floor.',
    '',
    table(
      ['', 'wall, ms', '÷ empty Node', 'CPU, ms', 'peak memory, MiB'],
      [
        row('empty Node program', node, node),
        row('qstate version', version, node),
        ...sizes.map((s) => row(`validate, ${s.qubes}`, s.validate, node)),
        ...sizes.map((s) => row(`plan with nothing to do, ${s.qubes}`, s.plan, node)),
        ...sizes.map((s) => row(`apply of everything, ${s.qubes}`, s.apply, node)),
      ],
    ),
    '',
    'A plan against what its calls take in a bare loop, whole processes both, with the same 8 calls at once;',
    'the ratio is the median of the pairs, which ran by turns.',
    '',
    table(
      ['qubes', 'answers at once: plan, loop, ratio', 'as slow as qubesd: plan, loop, ratio'],
      sizes.map((s) => [
        String(s.qubes),
        pair(s.plan.wall, s.bareLoop.wall, s.ratio),
        pair(s.slowPlan.wall, s.slowBareLoop.wall, s.slowRatio),
      ]),
    ),
    '',
    'What a qube costs: time that a plan takes more than the bare loop, the median of the pairs, without what the smallest plan',
    'takes more, for each further qube; on the wall, and of the processor, V8’s own threads among it. Of the latter, what `validate`',
    'takes of the same spec; and of that, what the YAML library alone takes of the same file.',
    '',
    table(
      ['qubes', 'own cost a qube, wall', 'CPU', 'of it, the spec', 'of that, YAML'],
      sizes
        .filter((s) => s.qubes >= 100)
        .map((s) => [
          String(s.qubes),
          perQube(s, sizes, (of) => of.more.wall),
          perQube(s, sizes, (of) => of.more.cpu),
          perQube(s, sizes, (of) => of.validate.cpu),
          perQube(s, sizes, (of) => of.yaml.cpu),
        ]),
    ),
    '',
    'Calls. A plan makes one list and, for each qube, the reads below; an apply writes each value that differs, and one record.',
    '',
    table(
      ['qubes', 'calls of a plan (least)', 'made twice', 'writes of an apply (least)', 'calls of an apply'],
      sizes.map((s) => [
        String(s.qubes),
        `${total(s.calls.plan)} (${s.least.plan})`,
        String(s.twice),
        `${s.writes} (${s.least.writes})`,
        String(total(s.calls.apply)),
      ]),
    ),
    '',
    `Calls at once, ${results.sweepQubes} qubes, daemon as slow as qubesd, in units of one at a time.`,
    '',
    table(
      ['at once', 'plan', 'bare loop'],
      sweep.map((s) => [
        String(s.concurrency),
        (s.plan.wall / (sweep[0]?.plan.wall ?? 1)).toFixed(2),
        (s.bareLoop.wall / (sweep[0]?.bareLoop.wall ?? 1)).toFixed(2),
      ]),
    ),
  ].join('\n')
}

const row = (name: string, { wall, cpu, memory }: Results['node'], floor: Results['node']): string[] => [
  name,
  wall.toFixed(0),
  (wall / floor.wall).toFixed(2),
  cpu.toFixed(0),
  memory.toFixed(0),
]

const pair = (plan: number, loop: number, ratio: number): string =>
  `${plan.toFixed(0)} ms, ${loop.toFixed(0)} ms, ${ratio.toFixed(2)}`

/** By qube, against the smallest size: so what a start takes drops out. */
function perQube(size: Size, sizes: readonly Size[], cost: (size: Size) => number): string {
  const [first = size] = sizes
  return `${((cost(size) - cost(first)) / (size.qubes - first.qubes)).toFixed(3)} ms`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function scalePlot({ sizes }: Results): string {
  const of = (pick: (size: Size) => number): [number, number][] => sizes.map((s) => [s.qubes, pick(s)])
  return plot('Whole processes, by number of qubes', { x: 'qubes in the spec', y: 'milliseconds' }, [
    { name: 'plan, slow daemon', points: of((s) => s.slowPlan.wall) },
    { name: 'its calls, bare loop', points: of((s) => s.slowBareLoop.wall) },
    { name: 'plan, answers at once', points: of((s) => s.plan.wall) },
    { name: 'its calls, bare loop', points: of((s) => s.bareLoop.wall) },
    { name: 'validate', points: of((s) => s.validate.wall) },
  ])
}
