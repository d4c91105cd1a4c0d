// What every launcher ends in: the bundled command line (src/cluster/main.ts).
await import('../dist/skiff.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error("skiff: not built yet; run 'npm run build' (or 'npm run up', which builds and starts a cluster)");
  process.exit(1);
});
