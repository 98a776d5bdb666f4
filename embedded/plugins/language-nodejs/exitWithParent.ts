// Preloaded into every process that the language host starts, so that none outlives a host killed with SIGKILL.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 500).unref();
