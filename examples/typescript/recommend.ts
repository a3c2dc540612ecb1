// Five recommendations for a user: node recommend.js MODEL USER
import { openDirectory } from "mlcore/node";

const [directory, user] = process.argv.slice(2);
if (directory === undefined || user === undefined) throw new Error("usage: node recommend.js MODEL USER");
const model = await openDirectory(directory);
for (const item of model.recommend(user, 5)) console.log(item.id, item.score);
await model.close();
