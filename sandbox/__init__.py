"""Học bạ số Sandbox: a mock ministry repository and provider portal to practise on.

Everything in it is invented: BẢN TẬP – DỮ LIỆU GIẢ LẬP.
"""

__version__ = "0.1.0"

PRACTICE_MARK = "BẢN TẬP – DỮ LIỆU GIẢ LẬP"
