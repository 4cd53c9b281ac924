/**
 * What qubesd and its extensions do on an event: features, tags, tools, network.
 */
export { reactToExtensions } from './extensions.ts'
export { featureNotFound, removeFeature, setFeature } from './features.ts'
export { reactAsHost } from './host.ts'
export { canHaveDisposables, missingServices, preloaded, preloadLimit, reactToPreload } from './preload.ts'
export { reactAsClass, reactAsQube, reactToNetwork } from './qube.ts'
export { addTag, removeTag } from './tags.ts'
export { notifyTools } from './tools.ts'
