import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist', 'build'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    setupFiles: ['./properties.setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
  },
});
