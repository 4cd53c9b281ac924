/** The names of a fleet's buckets. Hosts write into the second one only. */
export const bucketsOf = (fleet: string): { readonly control: string; readonly hosts: string } => ({
  control: `qstate-${fleet}`,
  hosts: `qstate-${fleet}-hosts`,
})

/** A key's part of a subject. Names of hosts hold no dot. */
export const subjectOf = (key: string): string => key.replaceAll('/', '.')
