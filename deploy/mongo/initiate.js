// Run by mongosh as root: starts the replica set and gives the application an account that may
// read and write its own database and nothing else. Safe to repeat.
try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({ _id: "aimed", members: [{ _id: 0, host: "mongo:27017" }] });
}
while (!db.hello().isWritablePrimary) sleep(200);

const aimed = db.getSiblingDB("aimed");
const account = {
  pwd: process.env.MONGO_APP_PASSWORD,
  roles: [{ role: "readWrite", db: "aimed" }],
};
if (aimed.getUser("aimed")) aimed.updateUser("aimed", account);
else aimed.createUser({ user: "aimed", ...account });
