/**
 * Explains a finished plan to a reader: template dependents, device conflicts, text differences.
 * It decides nothing, and nothing that decides imports it.
 */
export { withRivals } from './device-conflicts.ts'
export { diffOfTemplate, explained, type Explainer, explainer, isEdited } from './explain.ts'
export { withHeirs } from './template-dependents.ts'
