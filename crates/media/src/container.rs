//! Files whose video is made of JPEG pictures.
