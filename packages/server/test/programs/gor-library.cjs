// A middleware written for gor with its npm package, by that package's documentation: nothing in it knows of mirrorball.
const gor = require("goreplay_middleware");

gor.init();
const tokens = {};

gor.on("request", (request) => {
  if (gor.httpMethod(request.http) === "DELETE") return undefined;
  request.http = gor.setHttpHeader(request.http, "X-Replayed", "1");
  if (gor.httpPath(request.http).startsWith("/api/items/1")) {
    request.http = gor.setHttpPathParam(request.http, "api_key", "staging");
  }
  gor.on("response", request.ID, (response) => {
    gor.on("replay", request.ID, (replay) => {
      const same = gor.httpStatus(response.http) === gor.httpStatus(replay.http);
      console.error(`${gor.httpPath(request.http)} ${same ? "same status" : "other status"}`);
      return replay;
    });
    return response;
  });
  gor.searchResponses(request.ID, '"token":"([^"]+)"', (original, replayed) => {
    if (original !== undefined && replayed !== undefined) tokens[original] = replayed;
  });
  return request;
});
