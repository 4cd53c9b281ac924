/** A line of a log. */
export type Say = (level: 'debug' | 'info' | 'warn' | 'error', message: string, about?: object) => void
