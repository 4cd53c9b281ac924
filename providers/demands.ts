import { VERSIONS } from '../qubesd/index.ts'
import { type Demand, type Provider } from '../reconciler/index.ts'
import { problem } from '../spec/diagnostics/index.ts'

/** What qubesd asks of the qube that a property names: it refuses the value otherwise. */
export const demandOf: NonNullable<Provider['demand']> = (path, { qube: { klass } }) => {
  switch (path) {
    case 'qube/netvm':
      return NETWORK
    case 'qube/properties/template':
      return klass === 'DispVM' ? OF_DISPOSABLE : TEMPLATE
    case 'qube/properties/default_dispvm':
    case 'qube/properties/management_dispvm':
      return DISPOSABLES
    case 'qube/properties/relayvm':
      return undefined
    default:
      return LOCAL
  }
}

const LOCAL: Demand = {
  fits: (klass) => klass !== 'RemoteVM',
  otherClass: (qube, klass) =>
    problem('wrong-class', `${qube} is a ${klass}, which is on another host`, 'name a qube of this host'),
}

const NETWORK: Demand = {
  ...LOCAL,
  on: {
    property: 'provides_network',
    isAskedBy: () => true,
    lacking: (qube) =>
      problem(
        'no-network-provided',
        `${qube} provides no network`,
        `name a qube that does, write off for none, or set it under ${qube}: properties: { provides_network: true }`,
      ),
  },
}

const disposables = (isAskedBy: NonNullable<Demand['on']>['isAskedBy']): Demand => ({
  ...LOCAL,
  on: {
    property: 'template_for_dispvms',
    isAskedBy,
    lacking: (qube) =>
      problem(
        'no-disposables',
        `${qube} is no template for disposables`,
        `name one that is, or set it under ${qube}: properties: { template_for_dispvms: true }`,
      ),
  },
})

const OF_DISPOSABLE = disposables(() => true)
const DISPOSABLES = disposables((version) => VERSIONS[version].checksDisposableTemplates)

const TEMPLATE: Demand = {
  fits: (klass) => klass === 'TemplateVM',
  otherClass: (qube, klass) =>
    problem('no-template', `${qube} is a ${klass}, and no template`, 'name a TemplateVM'),
}
