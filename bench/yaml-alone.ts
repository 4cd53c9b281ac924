import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

/** What reading YAML takes at least: `yaml-alone.js FILE` reads a file with the library that qstate reads it with, in its build for Node, and nothing else. */
parseAllDocuments(readFileSync(process.argv[2] ?? '', 'utf8'), { uniqueKeys: false })
