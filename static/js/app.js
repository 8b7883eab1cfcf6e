/* What a script makes quicker. Every page works without it; whatever an old browser does not know is left out. */
(function (d, w) {
  'use strict';
  function each(what, act) { Array.prototype.forEach.call(d.querySelectorAll(what), act); }
  function on(what, name, act) { what.addEventListener(name, act); }

  // A form is sent once. After a while it may be sent again, in case the network lost it, and at once when one comes back to it.
  on(d, 'submit', function (e) {
    var form = e.target, button = e.submitter || d.activeElement;
    if (form.method !== 'post' || e.defaultPrevented) { return; }
    if (form.getAttribute('data-sent')) { e.preventDefault(); return; }
    form.setAttribute('data-sent', '1');
    if (button && button.form === form) { button.setAttribute('aria-busy', 'true'); }
    w.setTimeout(function () { again(form); }, 15000);
  });
  function again(form) {
    form.removeAttribute('data-sent');
    Array.prototype.forEach.call(form.querySelectorAll('[aria-busy]'), function (busy) { busy.removeAttribute('aria-busy'); });
  }
  on(w, 'pageshow', function () { each('form[data-sent]', again); });

  // What has to be put right is read first.
  var wrong = d.querySelector('.error-summary');
  if (wrong) { wrong.focus(); }

  each('[data-print]', function (button) {
    button.hidden = false;
    on(button, 'click', function () { w.print(); });
  });

  each('[data-copy]', function (button) {
    var words = button.firstChild.nodeValue, text = button.getAttribute('data-copy');
    button.hidden = false;
    function said() {
      button.firstChild.nodeValue = button.getAttribute('data-copied');
      w.setTimeout(function () { button.firstChild.nodeValue = words; }, 4000);
    }
    function byHand() {
      var box = d.createElement('textarea'), done = false;
      box.value = text;
      box.className = 'hidden-words';
      box.readOnly = true;
      d.body.appendChild(box);
      box.select();
      box.setSelectionRange(0, text.length);
      try { done = d.execCommand('copy'); } catch (no) { done = false; }
      d.body.removeChild(box);
      button.focus();
      if (done) { said(); }
    }
    on(button, 'click', function () {
      if (w.navigator.clipboard) { w.navigator.clipboard.writeText(text).then(said, byHand); } else { byHand(); }
    });
  });

  // A one-time code: digits alone stay, also when a whole sentence is pasted; some phones read it out of the message.
  each('input[autocomplete=one-time-code]', function (box) {
    on(box, 'paste', function (e) {
      var pasted = e.clipboardData && e.clipboardData.getData('text'), code = pasted && /(^|\D)(\d[\s-]*){6}(?!\d)/.exec(pasted);
      if (code) { e.preventDefault(); box.value = code[0].replace(/\D/g, ''); }
    });
    if (w.OTPCredential && w.navigator.credentials) {
      w.navigator.credentials.get({ otp: { transport: ['sms'] } }).then(function (sms) {
        if (sms && !box.value) { box.value = sms.code; }
      }, function () { return; });
    }
  });

  // What somebody types is answered while it is typed. It is the page that the button beside it shows, or the part of it.
  each('[data-preview]', function (place) {
    var form = place.parentNode, turn = 0, waits;
    while (form.nodeName !== 'FORM') { form = form.parentNode; }
    if (!w.fetch || !w.URLSearchParams || !w.DOMParser) { return; }
    function show(now, text) {
      var part = text && new w.DOMParser().parseFromString(text, 'text/html').getElementById('preview');
      if (now !== turn) { return; }
      while (place.firstChild) { place.removeChild(place.firstChild); }
      while (part && part.firstChild) { place.appendChild(part.firstChild); }
    }
    on(form, 'input', function () {
      var now = ++turn;
      w.clearTimeout(waits);
      waits = w.setTimeout(function () {
        var said = new w.URLSearchParams(new w.FormData(form));
        said['delete']('csrf_token');
        w.fetch(place.getAttribute('data-preview') + '?' + said, { credentials: 'same-origin' }).then(function (answer) {
          return answer.ok ? answer.text() : '';
        }).then(function (text) { show(now, text); }, function () { show(now, ''); });
      }, 400);
    });
  });

  // Somebody who is still typing goes on; somebody who may have left is asked. Phones sleep, so the clock is looked at anew.
  var asks = d.querySelector('.idle-warning');
  if (asks && !asks.hasAttribute('open')) {
    var after = asks.getAttribute('data-after') * 1000, early = asks.getAttribute('data-early') * 1000;
    var began = Date.now(), alive = 0, leaving = false;
    var stay = function () {
      began = Date.now();
      if (!w.fetch) { w.location.href = asks.getAttribute('data-stay'); return; }
      w.fetch(asks.getAttribute('data-stay'), { credentials: 'same-origin' }).then(function (answer) {
        if (answer.redirected) { w.location.href = asks.getAttribute('data-stay'); }
      }, function () { began = Date.now() - after + early; });
    };
    var look = function () {
      var idle = Date.now() - began;
      if (leaving) { return; }
      if (idle >= after) { leaving = true; w.location.href = asks.getAttribute('data-stay'); return; }
      if (idle < after - early || asks.open || asks.hasAttribute('open')) { return; }
      if (Date.now() - alive < 60000) { stay(); return; }
      if (asks.showModal) { asks.showModal(); } else { asks.setAttribute('open', ''); }
    };
    ['keydown', 'pointerdown', 'touchstart'].forEach(function (name) { on(d, name, function () { alive = Date.now(); }); });
    on(asks.querySelector('button'), 'click', function () { if (asks.close) { asks.close(); } else { asks.removeAttribute('open'); } stay(); });
    on(asks, 'cancel', stay);
    on(d, 'visibilitychange', look);
    w.setInterval(look, 10000);
  }
})(document, window);
