// Twilio itself checks the signature of a request to a *.protected.js.

exports.handler = async function handler(context, event, callback) {
  const jalon = require(Runtime.getFunctions().jalon.path);
  try {
    callback(null, await jalon.code(event, jalon.settings(context)));
  } catch (error) {
    callback(error);
  }
};
