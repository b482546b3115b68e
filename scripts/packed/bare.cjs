// A service that knows nothing of a mirror; that it was mirrored is seen behind the replay server.
const { use } = require("./use.cjs");

void use((req, res) => res.end("fine"));
