import { readFileSync } from 'node:fs'
import { parseEvents } from 'js-yaml'

/** What reading YAML takes at least: `yaml-alone.js FILE` reads a file with the library that qstate reads sound files with, and does nothing else. */
parseEvents(readFileSync(process.argv[2] ?? '', 'utf8'), {})
