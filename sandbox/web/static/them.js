/* Comfort only: every page is complete without this file (learner-experience §5.4, ES5). */
(function () {
  'use strict';
  var doc = document;
  if (!doc.querySelector || !doc.addEventListener) { return; }

  // A submit button is pressed once; coming back by "Back" makes it fresh again.
  function freeze(event) {
    var form = event.target, buttons, i;
    if (form.getAttribute('data-gui')) { event.preventDefault(); return; }
    form.setAttribute('data-gui', '1');
    buttons = form.querySelectorAll('button');
    // Disabled a moment later: a disabled button would not send its own name and value.
    window.setTimeout(function () {
      for (i = 0; i < buttons.length; i += 1) { buttons[i].disabled = true; }
    }, 0);
  }

  function thaw() {
    var forms = doc.querySelectorAll('form[data-gui]'), i, j, buttons;
    for (i = 0; i < forms.length; i += 1) {
      forms[i].removeAttribute('data-gui');
      buttons = forms[i].querySelectorAll('button');
      for (j = 0; j < buttons.length; j += 1) { buttons[j].disabled = false; }
    }
  }

  // "Ẩn số / Hiện số" in place instead of a reload.
  function hideOrShow(event) {
    var link = event.currentTarget, field = doc.getElementById(link.getAttribute('data-cho'));
    if (!field) { return; }
    event.preventDefault();
    if (field.type === 'password') {
      field.type = field.maxLength > 12 ? 'text' : 'tel';
      link.firstChild.nodeValue = link.getAttribute('data-an');
    } else {
      field.type = 'password';
      link.firstChild.nodeValue = link.getAttribute('data-hien');
    }
  }

  // A waiting page names an address (data-hoi) that answers {"xong": true, "chu": "…"}: one line
  // of text changes, nothing navigates. The same serves "Có 1 yêu cầu mới" on a second phone.
  function ask(place) {
    var seconds = parseInt(place.getAttribute('data-moi'), 10) || 3;
    function again() { window.setTimeout(once, seconds * 1000); }
    function once() {
      var request;
      if (doc.visibilityState === 'hidden') { again(); return; }
      request = new XMLHttpRequest();
      request.onload = function () {
        var answer = null;
        try { answer = JSON.parse(request.responseText); } catch (error) { answer = null; }
        if (request.status === 200 && answer && typeof answer.chu === 'string' &&
            place.textContent !== answer.chu) {
          place.textContent = answer.chu;
        }
        if (!(answer && answer.xong)) { again(); }
      };
      request.onerror = again;
      request.open('GET', place.getAttribute('data-hoi'));
      request.setRequestHeader('Accept', 'application/json');
      request.send();
    }
    once();
  }

  // Heartbeat: tells the trainer's board that this device is still there (no change on the page).
  function beat(address) {
    window.setInterval(function () {
      var request = new XMLHttpRequest();
      request.open('GET', address);
      request.send();
    }, 10000);
  }

  function start() {
    var forms = doc.querySelectorAll('form[method=post]'), links = doc.querySelectorAll('a.an-so');
    var places = doc.querySelectorAll('[data-hoi]'), error = doc.getElementById('loi'), i;
    var pulse = doc.body.getAttribute('data-nhip');
    for (i = 0; i < forms.length; i += 1) { forms[i].addEventListener('submit', freeze); }
    for (i = 0; i < links.length; i += 1) { links[i].addEventListener('click', hideOrShow); }
    if (window.XMLHttpRequest && window.JSON) {
      for (i = 0; i < places.length; i += 1) { ask(places[i]); }
      if (pulse) { beat(pulse); }
    }
    if (error && error.focus) { error.focus(); }
  }

  window.addEventListener('pageshow', thaw);
  if (doc.readyState === 'loading') { doc.addEventListener('DOMContentLoaded', start); } else { start(); }
}());
