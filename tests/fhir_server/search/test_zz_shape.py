import time
from datetime import UTC, datetime

from fhir_server.store.indexes import ensure_indexes


async def test_shape(database):
    await ensure_indexes(database)
    now = datetime.now(UTC)
    c = database["resources"]
    N = 4000
    for s in range(0, N, 2000):
        await c.insert_many(
            [
                {
                    "_id": f"Observation/{i}",
                    "type": "Observation",
                    "id": str(i),
                    "v": 1,
                    "lu": now,
                    "deleted": False,
                    "raw": b"{}",
                    "k": [
                        f"subject=Patient/{i % 2000}",
                        "?subject",
                        f"code==c{i % 50}",
                        "status==final",
                        f"name~n{i % 1000:04}",
                    ],
                    "r": [{"p": "date", "lo": now, "hi": now}],
                    "pat": f"Patient/{i % 2000}",
                }
                for i in range(s, s + 2000)
            ]
        )
    B = {"type": "Observation", "deleted": False}
    shapes = {
        "flat eq": {**B, "k": "subject=Patient/7"},
        "and eq": {"$and": [B, {"k": "subject=Patient/7"}]},
        "k only": {"k": "subject=Patient/7"},
        "type k": {"type": "Observation", "k": "subject=Patient/7"},
        "elem": {**B, "k": {"$elemMatch": {"$gte": "name~n0007", "$lt": "name~n0008"}}},
        "in2": {**B, "k": {"$in": ["subject=Patient/7", "subject=Group/7"]}},
        "and2": {"$and": [B, {"k": "subject=Patient/7"}, {"k": "code==c7"}]},
        "_id": {**B, "_id": {"$in": ["Observation/7"]}},
        "and_id": {"$and": [B, {"_id": {"$in": ["Observation/7"]}}]},
    }

    async def go(label):
        out = []
        for n, f in shapes.items():
            t = time.perf_counter()
            for _ in range(3):
                r = await c.find(f, {"_id": 1}).sort([("lu", -1), ("_id", -1)]).limit(50).to_list()
            out.append(f"{n}:{(time.perf_counter() - t) / 3 * 1000:.1f}")
        print(label, " ".join(out))

    await go("now")
    for ix in (
        [("k", 1)],
        [("type", 1), ("k", 1)],
        [("k", 1), ("type", 1)],
        [("k", 1), ("lu", -1)],
    ):
        await c.create_index(ix, name="t")
        await go(str(ix))
        await c.drop_index("t")
    for nm in ("keys", "ranges", "updated", "patient_keys"):
        await c.drop_index(nm)
    await c.create_index([("k", 1)], name="t")
    await go("only k")
    await c.drop_index("t")
    await c.create_index([("type", 1), ("k", 1)], name="t")
    await go("only type,k")
    await c.drop_index("t")
