"""What tables and chart call things, in Vietnamese and English."""

from __future__ import annotations

from typing import Final

PARTS: Final = {
    "envelope": ("Mở phong bì", "base64, gunzip"),
    "parse": ("Đọc XML", "XML parse"),
    "schema": ("Lược đồ", "schema"),
    "c14n": ("Dạng chuẩn tắc", "canonical form"),
    "sha256": ("Băm SHA-256", "SHA-256"),
    "public_key": ("Phép khoá công khai", "public-key"),
    "zstd": ("Nén zstd", "zstd"),
    "copy": ("Ghi một dòng (COPY)", "one row by COPY"),
}
"""The floor, its parts joined as the chart shows them."""

JOINED: Final = {
    "base64": "envelope",
    "gunzip": "envelope",
    "c14n_data": "c14n",
    "c14n_signatures": "c14n",
    "c14n_package": "c14n",
}

STAGES: Final = {
    "decode": ("Mở phong bì", "decode"),
    "parse": ("Đọc XML", "parse"),
    "package_signature": ("Chữ ký gói", "package signature"),
    "schema": ("Lược đồ, đọc", "schema, reading"),
    "signatures": ("Ba chữ ký", "three signatures"),
    "register": ("Sổ trường", "register"),
    "rules": ("Quy tắc đánh giá", "assessment rules"),
    "settle": ("Trùng, khoá sổ", "duplicates, lock"),
}

ROLES: Final = {
    "generator": ("Máy tạo tải", "load generator"),
    "web": ("Máy chủ web", "web server"),
    "checkers": ("Tiến trình kiểm", "checkers"),
    "postgresql": ("PostgreSQL", "PostgreSQL"),
}
"""Who spends what over HTTP."""

STEPS: Final = {
    "receipt": ("Biên nhận", "receipt"),
    "check": ("Kiểm tra", "check"),
    "store": ("Tra cứu, lưu bền", "look-up, store"),
    "answer": ("Trả kết quả", "answer"),
}

BARS: Final = {
    "floor": ("Mức sàn", "floor"),
    "ours": ("Sandbox: kiểm tra", "sandbox: check"),
    "postgresql": ("Sandbox: cả đường, PostgreSQL", "sandbox: whole path, PostgreSQL"),
    "sqlite": ("Sandbox: cả đường, SQLite", "sandbox: whole path, SQLite"),
    "http_postgresql": ("Qua HTTP, PostgreSQL", "over HTTP, PostgreSQL"),
    "http_sqlite": ("Qua HTTP, SQLite", "over HTTP, SQLite"),
    "xmlsec": ("python-xmlsec", "python-xmlsec"),
    "signxml": ("signxml", "signxml"),
}

TITLE: Final = (
    "Đường kiểm tra học bạ: µs CPU cho một học bạ, thấp hơn là tốt hơn",
    "The check path: CPU microseconds per record, lower is better",
)
LISTS: Final = {
    "floor": ("Mức sàn", "floor"),
    "check": ("Kiểm tra", "check"),
    "whole": ("Cả đường", "whole path"),
    "http": ("Qua HTTP", "over HTTP"),
}
"""Headings of the legend."""
AGAINST: Final = (
    "× so với mức sàn; kiểm tra so với phần 1–6",
    "× the floor; the check against its parts 1–6",
)
LIBRARIES: Final = (
    "Cùng các bước kiểm, chữ ký do thư viện xác minh",
    "The same checks, signatures verified by a library",
)
