/**
 * The one door to git: process, mirror, fetch, signatures, and the layout of a repository.
 * It knows nothing of the agent that uses it, and runs nothing that a repository holds.
 */
export { commitOf, git, gitNow, repositoryOf } from './git.ts'
export { fleetLayout, type Layout, pathsLayout } from './layout.ts'
export { type CommitStore, type Mirror, openClone, openMirror } from './mirror.ts'
export { readRevision, type Revision } from './revision.ts'
export { checkSignatures, type Signed } from './signatures.ts'
