"""Classroom (lớp tập huấn): lessons as data, coached on the real pages, judged by real state."""

from sandbox.classroom.service import ClassroomService

__all__ = ["ClassroomService"]
