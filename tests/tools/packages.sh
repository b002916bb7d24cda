#!/bin/bash
# Installs the programs that the tests drive, where they are missing: Chromium, ffmpeg, nginx, OpenSSL, Python's venv, a
# C and C++ compiler, systemd-analyze, GStreamer's RTSP server, and EGL, with which MuJoCo draws without a screen.
# Works as root or through sudo; elsewhere it says what to install.
set -euo pipefail

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
command -v curl >/dev/null || missing+=(curl)
command -v openssl >/dev/null || missing+=(openssl)
# Debian keeps it where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin" command -v nginx >/dev/null || missing+=(nginx-light)
{ command -v cc && command -v c++; } >/dev/null || missing+=(build-essential)
command -v python3 >/dev/null || missing+=(python3)
PATH="$PATH:/usr/sbin:/sbin" ldconfig -p | grep libEGL_mesa >/dev/null || missing+=(libegl1 libegl-mesa0 libgl1)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v systemd-analyze >/dev/null || missing+=(systemd)
gstreamer_is_there() {
  /usr/bin/python3 2>/dev/null <<'END'
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert Gst.ElementFactory.find("x264enc") and Gst.ElementFactory.find("rtph264pay")
END
}
gstreamer_is_there || missing+=(python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly)

if ! command -v cargo >/dev/null; then
  echo "error: cargo is missing: install Rust from https://rustup.rs" >&2
  exit 1
fi
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "error: these are missing, and there is no apt-get to install them: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "error: these are missing: ${missing[*]}; run 'apt-get install ${missing[*]}' as root, then again" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
if [[ " ${missing[*]} " == *" nginx-light "* && ! -e /usr/sbin/policy-rc.d ]]; then
  # Debian starts what it installs, also at each boot; the tests want the program, and no server on port 80.
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 0755 /dev/stdin /usr/sbin/policy-rc.d
  trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d; "${as_root[@]}" systemctl disable nginx >/dev/null 2>&1 || true' EXIT
fi
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
