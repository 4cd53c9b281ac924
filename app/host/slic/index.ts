/**
 * The store of ACPI tables: files of dom0, or the qrexec service that stands before them.
 */
export { tableProblem } from './acpi.ts'
export { slicFiles } from './files.ts'
export { slicService } from './service.ts'
export { startObstacle } from './start-obstacle.ts'
