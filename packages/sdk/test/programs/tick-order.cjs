// The order in which the first things of a CommonJS program run, and whether it is the process's main module.
const said = [];
const say = (/** @type {string} */ word) => said.push(word);
process.nextTick(() => say("tick"));
void Promise.resolve().then(() => say("promise"));
setImmediate(() => {
  say(`main ${require.main === module} ${process.mainModule === module}`);
  console.log(said.join(", "));
});
