//! How many derived streams there may be: keys of the sections `viewers` and `referee` of the configuration.

use settings::Table;

use crate::Limits;

type Row = settings::Row<Limits>;

pub static RENDITIONS: Table<Limits> = Table {
    section: "viewers",
    doc: "",
    rows: &[Row::int("max_renditions", 0, 1000, |s, v| s.renditions = v as usize).default("8").doc(
        "Different sizes, qualities and rates (`?width=`, `?height=`, `?quality=`) that may be \
                 made at the same time, over all streams; one more is refused with 503. Each costs a \
                 thread, and the time to decode and encode each of its frames once, whatever the number \
                 of its viewers. 0 makes none.",
    )],
};

pub static ANALYSES: Table<Limits> = Table {
    section: "referee",
    doc: "",
    rows: &[Row::int("live_analyses", 0, 64, |s, v| s.analyses = v as usize).default("2").doc(
        "Live streams that are analysed at once (`POST /api/streams/NAME/analysis`). Each takes a \
                 processor.",
    )],
};
