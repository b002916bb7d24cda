from dataclasses import dataclass, field


@dataclass
class Time:
    sec: int = 1_700_000_000
    nanosec: int = 250_000_000


@dataclass
class Header:
    stamp: Time = field(default_factory=Time)
    frame_id: str = "camera_link"


@dataclass
class Image:
    encoding: str
    height: int
    width: int
    #: Bytes a row.
    step: int
    data: bytes
    header: Header = field(default_factory=Header)
