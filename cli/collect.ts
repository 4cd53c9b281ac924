/** An option that may be given again. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]
