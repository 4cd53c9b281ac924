import assert from 'node:assert/strict'
import { isCode } from '../../spec/diagnostics/codes.ts'
import { type SourceRange } from '../../spec/diagnostics/source.ts'

/** A problem in an answer as JSON: the keys that lead to it, its code, and the line of the spec; null where it stems from none. */
export type Told = readonly [path: string, code: string, line: number | null]

const isObject = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const isRange = (json: unknown): json is SourceRange =>
  isObject(json) &&
  typeof json['file'] === 'string' &&
  [json['line'], json['column'], json['length']].every((count) => Number.isSafeInteger(count))

/** All of them. What has words and says what to do is one, and has to be of the one shape. */
function problemsIn(json: unknown, path = ''): readonly Told[] {
  if (Array.isArray(json)) return json.flatMap((one) => problemsIn(one, path))
  if (!isObject(json)) return []
  const below = Object.entries(json).flatMap(([key, value]) =>
    problemsIn(value, path === '' ? key : `${path}.${key}`),
  )
  const isTold = ['hint', 'fix', 'message'].some((key) => typeof json[key] === 'string')
  if (!isTold) return below
  const { code, message, hint, at } = json
  const where = `${path}: ${JSON.stringify(json)}`
  assert.ok(typeof code === 'string' && isCode(code), where)
  assert.ok(typeof message === 'string' && message !== '' && typeof hint === 'string', where)
  assert.ok(at === undefined || isRange(at), where)
  return [[path, code, at?.line ?? null], ...below]
}

/** Every problem in an answer is of the one shape, and these are among them. */
export function requireProblems(
  { out, err }: { readonly out: string; readonly err: string },
  expected: readonly Told[],
): void {
  const found = problemsIn(JSON.parse(out))
  for (const one of expected)
    assert.ok(
      found.some((each) => JSON.stringify(each) === JSON.stringify(one)),
      `${JSON.stringify(one)} is not in ${JSON.stringify(found)}\n${err}`,
    )
}
