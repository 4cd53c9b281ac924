// A reporter for `node --test`: at the end, the files that took longest.
const COUNT = 10

export default async function* slowestFiles(source) {
  const times = []
  for await (const { type, data } of source) {
    // A file as a whole is a test that is named by its path.
    if (type === 'test:complete' && data.name === data.file) times.push([data.details.duration_ms, data.file])
  }
  const slowest = times.sort(([a], [b]) => b - a).slice(0, COUNT)
  yield `\nslowest of ${times.length} files:\n`
  for (const [ms, file] of slowest)
    yield `${(ms / 1000).toFixed(1).padStart(7)} s  ${file.replace(/^.*?\/dist\//, '')}\n`
}
